//! The rooms wired together, and the deeds that can be done there: each is one function in one file.
//!
//! | Deed | File |
//! |---|---|
//! | ask, and stop what is being answered | `ask.rs`, with `answering.rs` |
//! | read old conversations, rename, delete, rate; find them again | `recall.rs`, `remember.rs` |
//! | how a history is protected; unlock it; renew keys | `protect.rs` |
//! | what others did that concerned a person | `acts.rs` |
//! | search, open a document, greet | `look.rs` |
//! | sign in and out, who is asking | `sign_in.rs`, with `single_logout.rs` |
//! | sign in without a provider | `emergency.rs` |
//! | learn what a login says of a person | `learn.rs` |
//! | try a provider | `trial.rs` |
//! | provision by SCIM, and the tokens for it | `provision.rs`, `scim_tokens.rs` |
//! | refresh a source, and what is due (`rounds`) | `refresh.rs`, `rounds.rs` |
//! | people, groups, aliases, conflicts | `people.rs` |
//! | applications, who is assigned, seats | `applications.rs`, `seats.rs`; which one somebody uses: `choice.rs` |
//! | switch a person off, remove them, sign them out | `managing.rs`, with `standing.rs` |
//! | explain a right | `explain.rs`, with the pure `proof.rs`; on a whole space `compare.rs` |
//! | work out what a change would change | `what_if.rs`, with `reach.rs` |
//! | report what is exposed | `exposed.rs` |
//! | count how much is asked | `usage.rs` |
//! | the desk, what waits there, and one source on it | `desk.rs` with `views.rs`, `todo.rs`, `sources.rs` |
//! | the auditor's desk | `audited.rs` |
//! | checkpoints sent outside | `outside.rs` |
//! | make, change and remove a source | `source_settings.rs`, with `registry.rs` |
//! | tell support | `support.rs` |
//! | back up and restore | `backup/`, with `restored.rs` |
//! | release an answer's evidence, and replay it | `release.rs`, `replay.rs` |
//! | evaluate | `eval.rs`, `eval_answers.rs`, `eval_attacks.rs` with `eval_poison.rs` |
//!
//! Always true here:
//! - Whoever asks was looked up in the directory at this very request ([`Asker`]); nothing of a person is cached.
//! - Before anything is shown it is on record: no deed returns words of a page without an [`audit::Receipt`].
//! - No desk deed takes a visibility but the administrator's own, and none opens a sealed record.
//!
//! Uses: every lower room. Begin at [`App`].

mod acts;
mod answering;
mod applications;
mod ask;
mod audited;
pub mod backup;
mod began;
mod choice;
mod compare;
mod desk;
mod emergency;
mod error;
pub mod eval;
pub mod eval_answers;
pub mod eval_attacks;
pub mod eval_poison;
pub mod eval_vectors;
pub mod evidence;
mod explain;
mod exposed;
mod find;
mod learn;
mod look;
mod managing;
mod outside;
mod owner;
mod people;
mod proof;
mod protect;
mod provision;
mod reach;
mod recall;
mod refresh;
mod registry;
mod release;
mod remember;
pub mod replay;
mod responses;
mod restored;
mod rounds;
mod scim_tokens;
mod seats;
mod settings;
mod sight;
mod sign_in;
mod single_logout;
mod source_settings;
mod sources;
mod standing;
mod support;
#[cfg(test)]
mod tests;
mod todo;
mod told;
mod trial;
mod turns;
mod usage;
mod views;
mod what_if;

use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use anyhow::Context as _;

pub use acts::Act;
pub use applications::{ApplicationState, Deleted, OnRecord, Target, Who};
pub use audited::{Gone, Named, SHOWING, Sought, Taking, TheLeaf, TheLeaves};
pub use choice::READER_DAYS;
pub use compare::SpaceAccess;
pub use emergency::Emergency;
pub use error::{Error, chain};
pub use explain::{Access, Explained, SourceTrust};
pub use exposed::{Exposure, Finding, OpenSpace, Stale, StaleGroup, WideSpace};
pub use managing::Visit;
pub use outside::{OutsidePlace, OutsideState};
pub use owner::{
    Listed, Webhook, asks_passphrase, bench_model, check, examine, extract_child, is_first_passphrase, is_proof,
    list_models, open_embedder, open_models, pack, read_checkpoint, verify_audit, verify_models, verify_proof, webhook,
};
pub use people::{Clashing, Crowd, Part, Rows, Someone, Tied, Which};
pub use proof::{Fact, Met, What};
pub use protect::{Protected, Standing};
pub use provision::Sent;
pub use refresh::{AtWork, Removal};
pub use registry::{Draft, Hush};
pub use remember::{Remembered, RememberedTurn};
pub use scim_tokens::HabitChange;
pub use seats::{Changed, SeatCounts, SeatDeed, SeatState, Seated, WhichSeats};
pub use settings::{DeskSettings, ScimToken, Settings};
pub use sign_in::{Begun, Finished};
pub use sources::{PageTest, SourceDetail, Stopping, Tested};
pub use support::Bundle;
pub use todo::{Item, Presses, Wrong, in_order};
pub use told::{
    Ask, Me, Outcome, Overview, Reply, Source, SourcePassage, SourceState, Told, ToldClaim, Turn, WITHHELD,
};
pub use trial::Trial;
pub use usage::{DAYS_MAX, GroupUsage, Usage};
pub use what_if::{SpaceChange, Titled, WhatIf, WouldChange};

use crate::acl::{Classes, PrincipalSet};
use crate::analytics::Analytics;
use crate::application::Applications;
use crate::audit::Log;
use crate::clock::{Clock, Moment};
use crate::directory::{Directory, Person, Role};
use crate::exposure::Exposures;
use crate::extract::Extractor;
use crate::history::History;
use crate::index::Index;
use crate::model::{Embed, Generate};
use crate::names::{GroupName, Ids, UserId};
use crate::session::Sessions;
use crate::store::{Store, Tree};
use crate::vault::Vault;
use crate::{audit, crawl, scim, sso, vault};

/// Nouns of lower rooms, for tests and for the command line, which come in by this door.
pub mod nouns {
    pub use crate::answer::{Phase, QUESTION_BYTES_MAX, Question, REFUSAL};
    pub use crate::clock::{Clock, Moment};
    pub use crate::corpus::DocumentId;
    pub use crate::crawl::{Mode, State};
    pub use crate::model::{Embed, Ending, Error as ModelError, Generate, Limits, Prompt, Scripted, Stop, Vector};
    pub use crate::names::{ConversationId, Ids, MessageId, ProviderId, SourceId, UserId};
    pub use crate::vault::{LockShown, Passphrase, Proof};
}

/// The language model and the embedder, opened by `main` or by a test.
pub struct Models {
    /// Writes; `None` answers by quoting alone.
    pub generate: Option<Arc<dyn Generate>>,
    /// Makes vectors; `None` searches by words alone.
    pub embed: Option<Arc<dyn Embed>>,
}

/// The appliance: one field for each room.
pub struct App {
    /// Itself, for the threads it starts.
    me: Weak<App>,
    settings: Settings,
    clock: Clock,
    ids: Ids,
    /// The truth, beside the audit log. Locked by this process.
    store: Store,
    classes: Classes,
    directory: Directory,
    /// Derived from the store; brought up to it when the appliance opens.
    index: Index,
    vault: Vault,
    audit: Log,
    /// Groups whose members, where they are auditors, are told whose a leaf is.
    audit_names: Vec<GroupName>,
    /// Filters that auditors keep.
    saved: audit::Saved,
    /// What of the log is held outside, and who sends it there.
    outside: audit::Outside,
    sending: outside::Sending,
    sessions: Sessions,
    applications: Applications,
    /// How each application responds, made ready.
    responses: responses::AllReady,
    history: History,
    /// How much is asked.
    analytics: Analytics,
    /// What looks like a secret in which page.
    exposures: Exposures,
    /// How far the words were looked through.
    looking: exposed::Looking,
    /// Moments that are remembered, by their names, milliseconds since the Unix epoch.
    moments: Tree<String, u64>,
    /// When this process began.
    started: Moment,
    extractor: Extractor,
    providers: Vec<sso::Provider>,
    /// Those who sign in without a provider.
    administrators: sso::local::Administrators,
    /// Sign-ins under way; each is taken once.
    pendings: sso::Pendings<sign_in::UnderWay<sso::oidc::Pending>>,
    saml_pendings: sso::Pendings<sign_in::UnderWay<sso::saml::Pending>>,
    /// Sign-outs at a SAML provider under way.
    logouts: sso::Pendings<sso::saml::PendingLogout>,
    /// Messages of providers that were accepted, so that none is accepted twice.
    seen: Arc<sso::Seen>,
    /// What administrators tried of the providers.
    trials: trial::Trials,
    /// The tokens of those who provision; of each the digest.
    scim_tokens: scim::Tokens,
    models: Models,
    /// A question holds one place.
    turns: turns::Turns,
    /// Answers being made now, so that a person who loses their place loses the answer too.
    running: turns::Running,
    /// What each source's sync is doing.
    syncs: refresh::Syncs,
    /// Which sources there are.
    sources: registry::Registry,
    /// Sources that an administrator is looking into now.
    looks: sources::Looks,
    /// Views of the desk that are open.
    views: views::Views,
    /// One writer of the index at a time: a sync, or the embedding of what it brought.
    indexing: Mutex<()>,
    /// Whether keys that were renewed may still have records to be sealed again.
    renewing: protect::Renewing,
    /// The thread that does what is due.
    rounds: rounds::Rounds,
    /// When the data folder was made from a backup.
    restored: Option<Moment>,
}

/// A signed-in person at this request: what they answer to was asked of the directory just now.
pub struct Asker {
    user: UserId,
    /// The session they asked by; zeros where the appliance looks in their stead.
    session: vault::SessionMark,
    person: Person,
    principals: PrincipalSet,
    roles: Vec<Role>,
    /// When the session ends, where it was begun without a provider; `None` for a person of the directory.
    ends: Option<Moment>,
}

impl Asker {
    /// Who.
    pub fn user(&self) -> &UserId {
        &self.user
    }

    /// The session they asked by.
    pub(crate) fn session(&self) -> &vault::SessionMark {
        &self.session
    }

    /// As the directory has them.
    pub fn person(&self) -> &Person {
        &self.person
    }

    /// What they answer to now.
    pub fn principals(&self) -> &PrincipalSet {
        &self.principals
    }

    /// Whether they have a role now.
    pub fn has(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    /// When their session ends, where it was begun without a provider; `None` for everybody in the directory. Who signed in
    /// so sees the desk and no page.
    pub fn emergency_ends(&self) -> Option<Moment> {
        self.ends
    }

    /// Their roles.
    pub fn roles(&self) -> &[Role] {
        &self.roles
    }
}

impl App {
    /// Opens every room, brings the index up to the store, and starts the rounds.
    pub fn open(settings: Settings, clock: Clock, ids: Ids, models: Models) -> anyhow::Result<Arc<App>> {
        let store =
            Store::open(&settings.data).with_context(|| format!("while opening {}", settings.data.display()))?;
        let vault = Vault::open(&store, &settings.vault).context("while opening the keys")?;
        let audit = Log::open(&store, &vault, clock.clone(), &settings.audit).context("while opening the audit log")?;
        let audit_names = settings.audit.names.iter().map(|name| GroupName::parse(name)).collect::<Result<Vec<_>, _>>();
        let audit_names = audit_names.context("while reading audit.names")?;
        let saved = audit::Saved::open(&store).context("while opening the filters of auditors")?;
        let outside = audit::Outside::open(&store).context("while opening what is held outside")?;
        let classes = Classes::open(&store).context("while opening the rules")?;
        let directory =
            Directory::open(&store, ids.clone(), &settings.directory).context("while opening the directory")?;
        let index =
            Index::open_or_renew(&settings.data.join("index"), &settings.index).context("while opening the index")?;
        let time = clock.clone();
        let index = index.with_clock(move || time.now().ms());
        let sessions = Sessions::open(&store, &vault, &settings.session).context("while opening the sessions")?;
        let sources: Vec<_> = settings.source.iter().map(|source| source.name.clone()).collect();
        let applications =
            Applications::open(&store, &settings.application, &sources).context("while opening the applications")?;
        let history = History::open(&store, &settings.history).context("while opening the history")?;
        let analytics = Analytics::open(&store, &settings.analytics).context("while opening the counters")?;
        let exposures = Exposures::open(&store).context("while opening what was found in pages")?;
        let moments = store.tree("app.moments").context("while opening the moments")?;
        let program = std::env::current_exe().context("while finding this program's own file")?;
        let extractor = Extractor::new(&settings.extract, settings.extract_program.clone().unwrap_or(program));
        let seen = Arc::new(sso::Seen::open(&store).context("while opening the messages that were seen")?);
        let administrators =
            sso::local::Administrators::open(&store, &vault).context("while opening the local administrators")?;
        let providers = settings
            .provider
            .iter()
            .map(|provider| {
                open_provider(provider, &settings, &seen, clock.now())
                    .with_context(|| format!("while opening provider {}", provider.id()))
            })
            .collect::<anyhow::Result<Vec<_>>>()?;
        let sources = registry::Registry::open(&settings.source, settings.desk_files.clone(), &store, &vault)
            .context("while opening the sources")?;
        let scim_tokens = provision::open_tokens(&store, &settings.scim)?;
        let restored = restored::at(&store).context("while looking whether this was restored")?;
        let turns = turns::Turns::new(settings.turns_max, Duration::from_secs(settings.turn_wait_s));

        let started = clock.now();
        let app = Arc::new_cyclic(|me| App {
            me: Weak::clone(me),
            clock,
            ids,
            store,
            classes,
            directory,
            index,
            vault,
            audit,
            audit_names,
            saved,
            outside,
            sending: outside::Sending::default(),
            sessions,
            applications,
            responses: responses::AllReady::default(),
            history,
            analytics,
            exposures,
            looking: exposed::Looking::default(),
            moments,
            started,
            extractor,
            providers,
            administrators,
            pendings: sso::Pendings::default(),
            saml_pendings: sso::Pendings::default(),
            logouts: sso::Pendings::default(),
            seen,
            trials: trial::Trials::default(),
            scim_tokens,
            models,
            turns,
            running: turns::Running::default(),
            syncs: refresh::Syncs::default(),
            sources,
            looks: sources::Looks::default(),
            views: views::Views::default(),
            indexing: Mutex::new(()),
            renewing: protect::Renewing::default(),
            rounds: rounds::Rounds::default(),
            restored,
            settings,
        });
        let replayed = crawl::replay(&app.rooms()).context("while bringing the index up to the store")?;
        if replayed > 0 {
            tracing::info!(changes = replayed, "the index was brought up to the store");
        }
        app.record_beginning().context("while putting the beginning on record")?;
        app.record_broken_runs().context("while putting syncs on record that a crash broke off")?;
        rounds::start(&app);
        Ok(app)
    }

    /// Asks running answers to stop and background work to end; returns when it has.
    pub fn close(&self) {
        self.rounds.stop();
        self.running.stop_all();
        self.syncs.stop();
        self.sending.stop();
        if let Err(error) = self.analytics.keep() {
            tracing::error!(%error, "what was counted last could not be kept");
        }
        match self.audit.append(&audit::Event::Stopped).and_then(|_| self.audit.checkpoint()) {
            Ok(_) => tracing::info!("closed"),
            // The log is whole without its last leaf; whoever stops us must still learn of it.
            Err(error) => tracing::error!(%error, "closed, but the audit log could not record it"),
        }
    }

    fn now(&self) -> Moment {
        self.clock.now()
    }

    /// What a sync works on.
    fn rooms(&self) -> crawl::Rooms<'_> {
        crawl::Rooms {
            clock: &self.clock,
            store: &self.store,
            classes: &self.classes,
            directory: &self.directory,
            index: &self.index,
            extractor: &self.extractor,
        }
    }
}

fn open_provider(
    provider: &sso::Settings,
    settings: &Settings,
    seen: &Arc<sso::Seen>,
    now: Moment,
) -> anyhow::Result<sso::Provider> {
    // A session of theirs would be taken for one that no provider began.
    anyhow::ensure!(*provider.id() != sso::local::provider(), "the id is taken; give the provider another");
    match provider {
        sso::Settings::Oidc(oidc) => {
            let callback = settings.public_url.join(&format!("/auth/oidc/{}/callback", oidc.id));
            let callback = callback.context("server.public_url is no base for addresses")?;
            let provider = sso::oidc::Provider::open(oidc, &callback, &settings.outbound)?;
            Ok(sso::Provider::Oidc(Box::new(provider)))
        }
        sso::Settings::Saml(saml) => {
            let (url, outbound) = (&settings.public_url, &settings.outbound);
            let provider = sso::saml::Provider::open(saml, url, &settings.data, outbound, Arc::clone(seen), now)?;
            Ok(sso::Provider::Saml(Box::new(provider)))
        }
    }
}
