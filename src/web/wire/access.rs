//! An explanation of a right on the wire, in words and in parts. The words are made here, so that the page, the command line
//! and a program are told the same.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::acl::Principal;
use crate::app::{self, Explained, Met, SourceTrust, What};
use crate::clock::Moment;
use crate::crawl::{About, Unknown};
use crate::directory::{Tie, TiedBy};
use crate::names::{GroupId, SyncId};

/// Principals that are named of those a condition asks for; the rest is counted.
const ASKED_FOR_MAX: usize = 20;

/// Why one person, or two beside each other, may or may not read a document.
#[derive(Debug, Serialize, ToSchema)]
pub struct Access {
    /// The moment of which it is true, RFC 3339.
    pub at: String,
    /// Whether that moment was asked for: then it says what was known, and not who was assigned or what was in force.
    pub past: bool,
    /// `SOURCE:ID`. Neither its title nor its words are told.
    pub document_id: String,
    /// When its source's permissions were last read whole, RFC 3339.
    pub permissions_as_of: Option<String>,
    /// Each person, in the order they were asked for.
    pub people: Vec<PersonAccess>,
    /// Of two people: where they differ.
    pub differences: Vec<Difference>,
}

/// Why one person may or may not read it.
#[derive(Debug, Serialize, ToSchema)]
pub struct PersonAccess {
    /// Our id of the person; `null` where the directory has none of that name.
    pub user_id: Option<String>,
    /// The person's user name, or what was asked for where there is no such person.
    pub user_name: String,
    /// Whether they may open the document now.
    pub may_open: bool,
    /// That, as a sentence.
    pub summary: String,
    /// Everything that must hold, in order.
    pub steps: Vec<Step>,
    /// The sentences of the steps that do not hold.
    pub missing: Vec<String>,
}

/// One thing that must hold.
#[derive(Debug, Serialize, ToSchema)]
pub struct Step {
    /// `person`, `assistant`, `source`, `document`, `alias`, `use`, `space`, `restriction` or `in_force`.
    pub step: &'static str,
    /// What it is about: the source, the key of the space, the id of the restricted page; empty for the person's own.
    pub of: String,
    /// `met`, `failed`, or `unknown`, which admits nobody.
    pub state: &'static str,
    /// It, as a sentence.
    pub text: String,
    /// The sync that first read it so; `null` for what no sync reads.
    pub learned: Option<Sync>,
    /// Whom it asks for, any of them; none where that is unknown, or not the asker's to know.
    pub asks: Vec<Named>,
    /// Those beyond.
    pub more_asked: usize,
    /// Each way in which it is met, the shortest first: all facts of one way are enough.
    pub ways: Vec<Vec<Fact>>,
    /// Ways beyond those.
    pub more_ways: usize,
}

/// One fact that was crawled.
#[derive(Debug, Serialize, ToSchema)]
pub struct Fact {
    /// `alias`: the person is the account; `membership`: the one who is named is in the group `of`; `named`: the grant or
    /// restriction of `of` names them.
    pub fact: &'static str,
    /// The account or group.
    pub who: Named,
    /// The key of a group, or what the grant or restriction is of, as in the step.
    pub of: String,
    /// It, as a sentence.
    pub text: String,
    /// Whether the person, who may open the document, could not without it.
    pub needed: bool,
    /// The sync that first saw it.
    pub learned: Option<Sync>,
}

/// An account or a group of a source.
#[derive(Debug, Serialize, ToSchema)]
pub struct Named {
    /// `account`, `group`, `anyone` (who has an account of the source) or `person`.
    pub kind: &'static str,
    /// The source's own key of it.
    pub key: String,
    /// Its name there; `null` for what no sync has seen.
    pub name: Option<String>,
}

/// One sync of a source.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Sync {
    /// The source.
    pub source: String,
    /// Its number among the source's syncs, as the desk lists them.
    pub number: u64,
    /// When it began, RFC 3339.
    pub began_at: String,
}

/// One step in which two people differ.
#[derive(Debug, Serialize, ToSchema)]
pub struct Difference {
    /// As in the step.
    pub step: &'static str,
    /// As in the step.
    pub of: String,
    /// The states, in the order of the people.
    pub states: Vec<&'static str>,
    /// The sentences, in the order of the people.
    pub texts: Vec<String>,
}

/// One condition on reading a document.
#[derive(Debug, Serialize, ToSchema)]
pub struct Condition {
    /// `use`, `space` or `restriction`.
    pub condition: &'static str,
    /// The source, the key of the space, or the id of the restricted page.
    pub of: String,
    /// Whether it is known whom it asks for. Where it is not, nobody passes.
    pub is_known: bool,
    /// Whether the one who asked passes.
    pub is_met: bool,
    /// It, as a sentence.
    pub text: String,
}

/// How much of a condition is told.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// With whom it asks for: what an administrator of the wiki's groups may know.
    Whole,
    /// Only the ways in which the person meets it: who else may read a page is not theirs to know.
    OwnWays,
}

impl Access {
    /// From what the deed told.
    pub fn of(access: &app::Access, told: Told) -> Access {
        let words = Words { names: &access.names, source: access.document.source(), told, is_past: access.is_past };
        let people: Vec<PersonAccess> =
            access.people.iter().map(|person| words.person(person, access.document.as_str())).collect();
        Access {
            at: access.at.rfc3339(),
            past: access.is_past,
            document_id: access.document.to_string(),
            permissions_as_of: access.permissions_as_of.map(Moment::rfc3339),
            differences: differences(&people),
            people,
        }
    }
}

impl Access {
    /// The conditions of the document alone, and whether the first of the people passes each.
    pub fn rule(access: &app::Access) -> Vec<Condition> {
        let words = Words { names: &access.names, source: access.document.source(), told: Told::Whole, is_past: false };
        let conditions = access.people.iter().take(1).flat_map(|person| &person.conditions);
        conditions.map(|met| words.alone(met)).collect()
    }
}

pub(super) fn differences(people: &[PersonAccess]) -> Vec<Difference> {
    let [first, rest @ ..] = people else { return Vec::new() };
    let mut found = Vec::new();
    for step in &first.steps {
        let same: Vec<&Step> = rest
            .iter()
            .filter_map(|person| person.steps.iter().find(|other| (other.step, &other.of) == (step.step, &step.of)))
            .collect();
        if same.iter().any(|other| other.state != step.state) {
            let all = || [step].into_iter().chain(same.iter().copied());
            found.push(Difference {
                step: step.step,
                of: step.of.clone(),
                states: all().map(|step| step.state).collect(),
                texts: all().map(|step| step.text.clone()).collect(),
            });
        }
    }
    found
}

/// Makes sentences.
pub(super) struct Words<'a> {
    pub(super) names: &'a BTreeMap<Principal, String>,
    pub(super) source: &'a str,
    pub(super) told: Told,
    pub(super) is_past: bool,
}

impl Words<'_> {
    fn person(&self, explained: &Explained, document: &str) -> PersonAccess {
        let who = explained.person.as_ref().map_or(explained.asked.as_str(), |person| person.user_name.as_str());
        let mut steps = if self.is_past { self.first_then(explained, who) } else { self.first(explained, who) };
        if explained.person.is_some() {
            steps.push(self.alias(&explained.tie, who));
        }
        steps.extend(explained.conditions.iter().map(|met| self.condition(met, who)));
        if !self.is_past {
            steps.extend(self.in_force(explained, document));
        }
        let missing = steps.iter().filter(|step| step.state != "met").map(|step| step.text.clone()).collect();
        PersonAccess {
            user_id: explained.person.as_ref().map(|person| person.id.to_string()),
            user_name: who.to_owned(),
            may_open: explained.may_open,
            summary: match (explained.may_open, self.is_past) {
                (true, false) => format!("{who} may open {document}."),
                (false, false) => format!("{who} may not open {document}."),
                (true, true) => format!("By what was known then, {who} could open {document}."),
                (false, true) => format!("By what was known then, {who} could not open {document}."),
            },
            steps,
            missing,
        }
    }

    /// What had to hold then, as far as it is kept.
    pub(super) fn first_then(&self, explained: &Explained, who: &str) -> Vec<Step> {
        let person = match (&explained.person, explained.first.is_active) {
            (None, _) => Err(format!("Of a person {who} nothing is kept of then.")),
            (Some(_), true) => Ok(format!("{who} was in the directory and active.")),
            (Some(_), false) => Err(format!("{who} was in the directory and not active.")),
        };
        let document = match (explained.place.is_known, explained.place.missed) {
            (false, _) => Err("No sync had seen a document of this id, or it is no longer kept.".to_owned()),
            (true, Some(sync)) => Err(format!("Sync {} did not list it any more.", sync.number)),
            (true, None) => Ok("The last sync before then had listed it.".to_owned()),
        };
        let learned = explained.place.placed.map(|sync| self.sync(sync));
        vec![plain("person", "", person), Step { learned, ..plain("document", "", document) }]
    }

    /// What must hold before any permission is looked at.
    pub(super) fn first(&self, explained: &Explained, who: &str) -> Vec<Step> {
        let (first, place, source) = (&explained.first, &explained.place, self.source);
        let mut steps = Vec::new();
        steps.push(match (&explained.person, first.is_active) {
            (None, _) => plain("person", "", Err(format!("The directory has no person {who}."))),
            (Some(_), true) => plain("person", "", Ok(format!("{who} is in the directory and active."))),
            (Some(_), false) => plain("person", "", Err(format!("{who} is in the directory and not active."))),
        });
        // Whoever is not active is assigned nothing: to say so again would tell nothing.
        if first.is_active {
            steps.push(match &first.assigned {
                Some(way) if way.is_empty() => {
                    plain("assistant", "", Ok(format!("{who} may use the assistant, and needs no group for it.")))
                }
                Some(way) => plain(
                    "assistant",
                    "",
                    Ok(format!("{who} is in {}, which may use the assistant.", way.join(", in "))),
                ),
                None => plain(
                    "assistant",
                    "",
                    Err(format!(
                        "{who} is in no group that may use an assistant with {source}, and has none of their own; or their seat was taken."
                    )),
                ),
            });
        }
        steps.push(match first.source {
            SourceTrust::Trusted => plain("source", source, Ok(format!("{source} may answer now."))),
            SourceTrust::Unknown => plain("source", source, Err(format!("The settings name no source {source}."))),
            SourceTrust::Stale => plain(
                "source",
                source,
                Err(format!(
                    "The permissions of {source} are older than its settings allow; it answers again after a sync."
                )),
            ),
        });
        let step = match (place.is_known, place.has_words, place.missed) {
            (false, _, _) => Err("No sync has seen a document of this id.".to_owned()),
            (true, false, None) => Err("It was listed, and its words were not read: nobody finds it.".to_owned()),
            (true, false, Some(sync)) => {
                Err(format!("Sync {} did not list it; its restriction holds for what stands below it.", sync.number))
            }
            (true, true, Some(sync)) => {
                Ok(format!("Sync {} did not list it any more; it is kept until its removal is allowed.", sync.number))
            }
            (true, true, None) => Ok("It is in the index.".to_owned()),
        };
        steps.push(Step { learned: place.placed.map(|sync| self.sync(sync)), ..plain("document", "", step) });
        steps
    }

    pub(super) fn alias(&self, tie: &Tie, who: &str) -> Step {
        let source = self.source;
        match tie {
            Tie::Account { account, learned, by } => {
                let key = &account.id.key;
                let why = match by {
                    TiedBy::Name => "",
                    TiedBy::Email => ", by e-mail address",
                    TiedBy::Administrator => ", as an administrator said",
                };
                let step = match account.active {
                    true => Ok(format!("{who} is the account {} (key {key}) of {source}{why}.", account.user_name)),
                    false => Err(format!("The account {} (key {key}) of {source} is not active.", account.user_name)),
                };
                Step { learned: learned.map(|sync| self.sync(sync)), ..plain("alias", source, step) }
            }
            Tie::Shared(accounts) => {
                let keys: Vec<&str> = accounts.iter().map(|account| &*account.key).collect();
                let text = format!(
                    "{} accounts of {source} have the user name {who} (keys {}); none is taken for theirs.",
                    keys.len(),
                    keys.join(", ")
                );
                plain("alias", source, Err(text))
            }
            Tie::None => plain(
                "alias",
                source,
                Err(format!("No account of {source} is {who}'s: none has that user name, and none was given to them.")),
            ),
        }
    }

    pub(super) fn condition(&self, met: &Met, who: &str) -> Step {
        let (step, of, what) = match &met.about {
            About::Use(source) => ("use", source.to_string(), format!("{source} may be used")),
            About::Space(key) => ("space", key.clone(), format!("The space {key} may be viewed")),
            About::Restriction(id) => ("restriction", id.to_string(), format!("{id} may be viewed")),
        };
        let is_met = !met.ways.is_empty();
        let (state, text) = match &met.asks {
            Err(why) => {
                let why = match why {
                    Unknown::Unreadable => "could not be read",
                    Unknown::NotListed => "is not known, for the last sync did not list it",
                    Unknown::NotKept => "is not known until the next sync has read it",
                };
                ("unknown", format!("By whom {} {why}; so nobody passes.", lower(&what)))
            }
            Ok(asks) => {
                let by = match self.told {
                    Told::Whole => format!("{what} by {}", self.list(asks)),
                    Told::OwnWays => what,
                };
                match (is_met, self.told) {
                    (true, Told::Whole) => ("met", format!("{by}; {who} is among them.")),
                    (true, Told::OwnWays) => ("met", format!("{by} by {who}.")),
                    (false, Told::Whole) => ("failed", format!("{by}; {who} is not among them.")),
                    (false, Told::OwnWays) => ("failed", format!("{by}, and not by {who}.")),
                }
            }
        };
        let asks = match (&met.asks, self.told) {
            (Ok(asks), Told::Whole) => asks.as_slice(),
            (Ok(_), Told::OwnWays) | (Err(_), _) => &[],
        };
        Step {
            step,
            of,
            state,
            text,
            learned: met.learned.map(|sync| self.sync(sync)),
            asks: asks.iter().take(ASKED_FOR_MAX).map(|one| self.named(one)).collect(),
            more_asked: asks.len().saturating_sub(ASKED_FOR_MAX),
            ways: met.ways.iter().map(|way| way.iter().map(|fact| self.fact(fact, who)).collect()).collect(),
            more_ways: met.more,
        }
    }

    /// A condition for itself, whoever looks at it.
    fn alone(&self, met: &Met) -> Condition {
        let Step { step, of, state, .. } = self.condition(met, "");
        let what = match &met.about {
            About::Use(source) => format!("{source} may be used"),
            About::Space(key) => format!("The space {key} may be viewed"),
            About::Restriction(id) => format!("{id} may be viewed"),
        };
        let text = match &met.asks {
            Ok(asks) => format!("{what} by {}.", self.list(asks)),
            Err(_) => format!("By whom {} could not be read; so nobody passes.", lower(&what)),
        };
        Condition { condition: step, of, is_known: met.asks.is_ok(), is_met: state == "met", text }
    }

    fn fact(&self, fact: &app::Fact, who: &str) -> Fact {
        let (kind, of, principal, text) = match &fact.what {
            What::Alias(account) => {
                ("alias", self.source.to_owned(), account, format!("{who} is {}", self.name(account)))
            }
            What::Membership(member, group) => {
                let text = format!("{} is in {}", self.name(member), self.name(group));
                ("membership", self.named(group).key, member, text)
            }
            What::Named(about, principal) => {
                let (of, what) = match about {
                    About::Use(source) => (source.to_string(), format!("{source} may be used")),
                    About::Space(key) => (key.clone(), format!("the space {key} may be viewed")),
                    About::Restriction(id) => (id.to_string(), format!("{id} may be viewed")),
                };
                ("named", of, principal, format!("{what} by {}", self.name(principal)))
            }
        };
        let learned = fact.learned.map(|sync| self.sync(sync));
        Fact { fact: kind, who: self.named(principal), of, text, needed: fact.is_needed, learned }
    }

    /// What stands between the facts and what is in force.
    fn in_force(&self, explained: &Explained, document: &str) -> Option<Step> {
        let place = &explained.place;
        if place.is_withheld {
            let text = format!("{document} is kept from everybody until its new readers are in force.");
            return Some(plain("in_force", document, Err(text)));
        }
        (!place.is_settled).then(|| Step {
            state: "unknown",
            ..plain(
                "in_force",
                document,
                Err("A sync is under way or was broken off: the permissions in force are not those told here, and decide."
                    .to_owned()),
            )
        })
    }

    /// Some principals in words.
    fn list(&self, principals: &[Principal]) -> String {
        if principals.is_empty() {
            return "nobody".to_owned();
        }
        let mut named: Vec<String> = principals.iter().take(ASKED_FOR_MAX).map(|one| self.name(one)).collect();
        match principals.len().saturating_sub(ASKED_FOR_MAX) {
            0 => {}
            more => named.push(format!("{more} more")),
        }
        named.join(" or ")
    }

    fn name(&self, principal: &Principal) -> String {
        let known = self.names.get(principal);
        match principal {
            Principal::Account(id) => match known {
                Some(name) => format!("the account {name}"),
                None => format!("an account that no sync has seen (key {})", id.key),
            },
            Principal::Group(GroupId::Of(_, key) | GroupId::Provisioned(key)) => match known {
                Some(name) => format!("the group {name}"),
                None => format!("the group {key}, which no sync has seen"),
            },
            Principal::AnyoneOf(source) => format!("anyone who has an account of {source}"),
            Principal::Person(id) => known.cloned().unwrap_or_else(|| id.to_string()),
        }
    }

    fn named(&self, principal: &Principal) -> Named {
        let (kind, key) = match principal {
            Principal::Account(id) => ("account", id.key.to_string()),
            Principal::Group(GroupId::Of(_, key) | GroupId::Provisioned(key)) => ("group", key.to_string()),
            Principal::AnyoneOf(source) => ("anyone", source.to_string()),
            Principal::Person(id) => ("person", id.to_string()),
        };
        Named { kind, key, name: self.names.get(principal).cloned() }
    }

    fn sync(&self, sync: SyncId) -> Sync {
        Sync { source: self.source.to_owned(), number: sync.number, began_at: Moment::from_ms(sync.began_ms).rfc3339() }
    }
}

pub(super) fn plain(step: &'static str, of: &str, outcome: Result<String, String>) -> Step {
    let (state, text) = match outcome {
        Ok(text) => ("met", text),
        Err(text) => ("failed", text),
    };
    let of = of.to_owned();
    Step { step, of, state, text, learned: None, asks: Vec::new(), more_asked: 0, ways: Vec::new(), more_ways: 0 }
}

/// A sentence's beginning in the middle of another; an id keeps its letters.
fn lower(text: &str) -> String {
    text.strip_prefix("The ").map_or_else(|| text.to_owned(), |rest| format!("the {rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::DocumentId;
    use crate::names::{AccountId, SourceId};

    fn wiki() -> SourceId {
        SourceId::parse("wiki").unwrap()
    }

    fn account(key: &str) -> Principal {
        Principal::Account(AccountId { source: wiki(), key: key.into() })
    }

    fn with<T>(names: &[(Principal, &str)], told: Told, work: impl FnOnce(Words<'_>) -> T) -> T {
        let names = names.iter().map(|(principal, name)| (principal.clone(), (*name).to_owned())).collect();
        work(Words { names: &names, source: "wiki", told, is_past: false })
    }

    fn met(asks: Result<Vec<Principal>, Unknown>) -> Met {
        let about = About::Restriction(DocumentId::parse("wiki:7").unwrap());
        Met { about, asks, learned: None, ways: Vec::new(), more: 0 }
    }

    #[test]
    fn whom_a_condition_asks_for_is_named_and_a_long_list_counted() {
        let many: Vec<Principal> = (0..25).map(|n| account(&n.to_string())).collect();
        let names = [(account("0"), "ada")];

        let step = with(&names, Told::Whole, |words| words.condition(&met(Ok(many)), "bob"));

        let first = "wiki:7 may be viewed by the account ada or an account that no sync has seen (key 1)";
        assert!(step.text.starts_with(first), "{}", step.text);
        assert!(step.text.ends_with("or 5 more; bob is not among them."), "{}", step.text);
        assert_eq!((step.state, step.asks.len(), step.more_asked), ("failed", 20, 5));
    }

    #[test]
    fn nobody_is_told_who_else_may_read_their_page() {
        let mut step = met(Ok(vec![account("a"), account("b")]));
        let named = What::Named(step.about.clone(), account("b"));
        step.ways = vec![vec![app::Fact { what: named, learned: None, is_needed: true }]];
        let names = [(account("a"), "ada"), (account("b"), "bob")];

        let told = with(&names, Told::OwnWays, |words| words.condition(&step, "bob"));

        assert_eq!(told.text, "wiki:7 may be viewed by bob.");
        assert!(!serde_json::to_string(&told).unwrap().contains("ada"));
    }

    #[test]
    fn each_way_of_not_knowing_has_its_words_and_admits_nobody() {
        for why in [Unknown::Unreadable, Unknown::NotListed, Unknown::NotKept] {
            let step = with(&[], Told::Whole, |words| words.condition(&met(Err(why)), "bob"));

            assert_eq!((step.state, step.ways.len()), ("unknown", 0));
            assert!(step.text.ends_with("; so nobody passes."), "{}", step.text);
        }
    }

    #[test]
    fn an_account_that_is_shared_or_missing_is_no_alias() {
        let keys = ["a", "b"].map(|key| AccountId { source: wiki(), key: key.into() }).to_vec();
        let shared = with(&[], Told::Whole, |words| words.alias(&Tie::Shared(keys), "ada"));
        let none = with(&[], Told::Whole, |words| words.alias(&Tie::None, "ada"));

        assert_eq!(shared.text, "2 accounts of wiki have the user name ada (keys a, b); none is taken for theirs.");
        assert_eq!((shared.state, none.state), ("failed", "failed"));
    }
}
