//! One run from its beginning to its end.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;

use super::above;
use super::apply::{Applying, Ready};
use super::hint::Hint;
use super::kept::{Kept, Refused};
use super::learning;
use super::listed::{Listed, document, groups, head, levels};
use super::plan::{Content, Held, Known, Seen, Step, is_too_much, plan};
use super::restriction::{Level, rule_of};
use super::scope;
use super::source::{Item, Source, Words};
use super::{Error, Failure, Learned, Mode, Rooms, Run, Settings, State};
use crate::acl::AclClass;
use crate::corpus::DocumentId;

/// Threads that fetch words. Confluence asks its clients for few (`confluence.md` §1.10).
const FETCHERS: usize = 4;

/// Items fetched by one call: Data Center gives at most fifty bodies at once. Each such group is kept before the next one is
/// taken, so that after a kill no more than `2 * FETCHERS + 1` of them are read again: being fetched, waiting, being put.
const FETCHED_TOGETHER: usize = 50;

/// How long a file that could not be read is left alone.
const REFUSED_MS: i64 = 24 * 60 * 60 * 1000;

/// Failures that are listed of one run; the rest is counted in the last one.
const FAILURES_MAX: usize = 100;

/// Why a run ends before its time.
pub(super) enum End {
    /// Whoever watches broke it off.
    Stopped,
    /// The source cannot be read.
    Failed(Failure),
    /// Our own state cannot be read or kept.
    Broken(Error),
}

impl<E: Into<Error>> From<E> for End {
    fn from(error: E) -> End {
        End::Broken(error.into())
    }
}

/// Everything one run works with.
pub(super) struct Running<'a, 'b> {
    pub settings: &'a Settings,
    mode: Mode,
    pub rooms: &'a Rooms<'a>,
    pub kept: &'a Kept,
    pub source: &'a dyn Source,
    pub run: Run,
    watch: &'b mut dyn FnMut(&Run) -> ControlFlow<()>,
}

/// Runs to the end, whatever happens, and keeps how it went. What was `heard` matters to a run of what is new.
pub(super) fn run(
    source: &dyn Source,
    settings: &Settings,
    mode: Mode,
    heard: &Hint,
    rooms: &Rooms<'_>,
    watch: &mut dyn FnMut(&Run) -> ControlFlow<()>,
) -> Result<Run, Error> {
    let kept = Kept::open(rooms.store)?;
    // What is new is new against something.
    let is_first = mode == Mode::News && kept.status(&settings.name)?.permissions_as_of.is_none();
    let mode = if is_first { Mode::Changes } else { mode };
    let run = Run::beginning(kept.next_number(&settings.name)?, rooms.clock.now(), mode);
    let mut running = Running { settings, mode, rooms, kept: &kept, source, run, watch };
    kept.put_run(&settings.name, &running.run, None)?;
    let ended = running.all(heard);
    let (state, whole, broken) = match ended {
        Ok((state, whole)) => (state, whole, None),
        Err(End::Stopped) => (State::Stopped, false, None),
        Err(End::Failed(failure)) => {
            running.fail(failure);
            (State::Failed, false, None)
        }
        Err(End::Broken(error)) => (State::Failed, false, Some(error)),
    };
    let mut run = running.run;
    run.state = state;
    run.ended = Some(rooms.clock.now());
    "done".clone_into(&mut run.phase);
    kept.put_run(&settings.name, &run, whole.then_some(run.began))?;
    // It has ended: whoever watches cannot break it off any more.
    let _ = watch(&run);
    broken.map_or(Ok(run), Err)
}

impl Running<'_, '_> {
    /// The story of a run. Gives how it ended, and whether all permissions were read.
    fn all(&mut self, heard: &Hint) -> Result<(State, bool), End> {
        self.source.connect().map_err(End::Failed)?;
        if self.mode == Mode::News {
            return self.news(heard);
        }
        let mut listed = Listed { are_permissions_whole: true, ..Listed::default() };
        self.people(&mut listed)?;
        self.sweep_all(listed)
    }

    /// Reads who is in which group.
    pub(super) fn people(&mut self, listed: &mut Listed) -> Result<(), End> {
        self.phase("people")?;
        match self.source.people() {
            Ok(people) => {
                // At once: who left a group loses what it gave before anything else is read.
                self.run.learned.people += self
                    .rooms
                    .directory
                    .replace_source(&self.settings.name, people.clone(), self.run.id())
                    .map_err(broken)?;
                // A crash would lose the count: what is in force is on record.
                self.kept.put_run(&self.settings.name, &self.run, None).map_err(broken)?;
                listed.people = Some(people);
            }
            // The old ones stay: without any, nobody could read anything.
            Err(failure) => self.miss(listed, failure),
        }
        Ok(())
    }

    /// Lists the spaces, all or those that are wanted only, and makes the index true to them.
    pub(super) fn sweep(&mut self, listed: Listed) -> Result<State, End> {
        self.sweep_all(listed).map(|(state, _)| state)
    }

    fn sweep_all(&mut self, mut listed: Listed) -> Result<(State, bool), End> {
        self.phase("permissions")?;
        match self.source.may_use() {
            Ok(subjects) => listed.may_use = Some(subjects),
            Err(failure) => self.miss(&mut listed, failure),
        }
        listed.spaces = self.source.spaces().map_err(End::Failed)?;
        if let Some(only) = &listed.only {
            listed.spaces.retain(|space| only.contains(&space.key));
        }
        for space in listed.spaces.clone() {
            self.tick()?;
            let view = match self.source.may_view(&space) {
                Ok(subjects) => Some(subjects),
                Err(failure) => {
                    self.miss(&mut listed, failure);
                    None
                }
            };
            listed.views.push(view);
        }

        self.phase("listing")?;
        let fresh_after = match self.mode {
            Mode::Full => Some(self.kept.begin_full(&self.settings.name, self.run.began)?),
            Mode::Changes | Mode::Permissions | Mode::News => None,
        };
        let mut known = self.kept.known(&self.settings.name, fresh_after)?;
        self.list(&mut listed, &mut known)?;
        if let Some(only) = &listed.only {
            known.documents.retain(|id, held| only.contains(&held.space) || listed.items.contains_key(id));
        }
        self.look_again(&mut listed, &known);
        listed.gather();
        above::ask(self.source, &mut listed);
        let seen = self.seen(&mut listed, &known)?;
        if listed.only.is_some() {
            self.close_missing(&known, &seen, &listed)?;
        }
        let steps = plan(&known, &seen, self.mode);
        let is_held = self.carry_out(steps, &known, &seen, &listed)?;
        if self.mode == Mode::Full {
            self.kept.end_full(&self.settings.name)?;
        }
        Ok((self.state(is_held), listed.are_permissions_whole))
    }

    /// How a run that came to its end has gone.
    pub(super) fn state(&self, is_held: bool) -> State {
        match (is_held, self.run.failures.is_empty()) {
            (true, _) => State::Held,
            (false, true) => State::Succeeded,
            (false, false) => State::Incomplete,
        }
    }

    fn list(&mut self, listed: &mut Listed, known: &mut Known) -> Result<(), End> {
        for (place, space) in listed.spaces.clone().iter().enumerate() {
            let (run, watch) = (&mut self.run, &mut *self.watch);
            let mut is_stopped = false;
            let listing = self.source.list(space, &mut |more| {
                run.seen += more;
                let flow = watch(run);
                is_stopped |= flow.is_break();
                flow
            });
            if is_stopped {
                return Err(End::Stopped);
            }
            if !listing.is_whole {
                listed.partial.insert(space.key.clone());
                listed.are_permissions_whole = false;
            }
            for failure in listing.failures {
                self.fail(failure);
            }
            let ids: Vec<DocumentId> = listing.items.iter().map(|item| item.id.clone()).collect();
            for item in listing.items {
                listed.space_of.insert(item.id.clone(), place);
                listed.items.insert(item.id.clone(), item);
            }
            if listing.is_whole {
                self.withhold_tightened(&ids, place, listed, known)?;
            }
        }
        self.run.seen = listed.items.len() as u64;
        Ok(())
    }

    /// What was seen, with the class of each document.
    fn seen(&mut self, listed: &mut Listed, known: &Known) -> Result<Seen, End> {
        let mut seen =
            Seen { partial: listed.partial.clone(), has_all_spaces: listed.only.is_none(), ..Seen::default() };
        let mut classes: HashMap<Vec<&Level>, AclClass> = HashMap::new();
        let mut lost: Vec<DocumentId> = Vec::new();
        let mut by_space: Option<usize> = None;
        let mut ids: Vec<(&usize, &DocumentId)> = listed.space_of.iter().map(|(id, space)| (space, id)).collect();
        ids.sort();
        for (space, id) in ids {
            if by_space != Some(*space) {
                // Within one space a rule depends on the levels alone.
                classes.clear();
                by_space = Some(*space);
            }
            let Some(item) = listed.items.get(id) else { continue };
            let holder = item.container.as_ref().and_then(|id| listed.items.get(id));
            if !scope::takes(self.settings, item, holder) {
                if !known.documents.contains_key(id) {
                    continue;
                }
                seen.left_out.insert(id.clone());
            }
            let levels = levels(item, listed);
            if levels.contains(&&Level::Unknown) {
                lost.push(id.clone());
            }
            let class = match classes.get(&levels) {
                Some(class) => *class,
                None => {
                    let view = listed.views.get(*space).and_then(Option::as_ref);
                    let rule = rule_of(&self.settings.name, listed.may_use.as_ref(), view, levels.iter().copied());
                    let class = self.rooms.classes.class_of(rule).map_err(broken)?;
                    classes.insert(levels, class);
                    class
                }
            };
            let space = &listed.spaces[*space];
            let (revision, head) = (item.revision, head(item, space, &listed.items, &self.settings.fields));
            seen.documents.insert(id.clone(), Held { class, revision, head, space: space.key.clone() });
        }
        for id in lost {
            listed.are_permissions_whole = false;
            self.fail(Failure {
                what: id.to_string(),
                code: "restriction_unknown".to_owned(),
                cause: "its restriction, or that of a page above it, could not be read; nobody finds it".to_owned(),
                remedy: "let the crawler's account view the page and every page above it, then sync again".to_owned(),
            });
        }
        Ok(seen)
    }

    /// Carries the steps out; gives whether removals are held back.
    fn carry_out(&mut self, steps: Vec<Step>, known: &Known, seen: &Seen, listed: &Listed) -> Result<bool, End> {
        let mut applying = Applying::new(self.kept, self.rooms);
        let (mut reclass, mut remove, mut fetch, mut move_only) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for step in steps {
            match step {
                Step::Reclass(id, class) => reclass.push((id, class)),
                Step::Remove(id) => remove.push(id),
                Step::Add(id) | Step::Rewrite(id, Content::Changed) => fetch.push(id),
                Step::Rewrite(id, Content::Kept) => move_only.push(id),
            }
        }
        self.phase("index")?;
        self.run.reclassed = reclass.len() as u64;
        applying.reclass(&reclass)?;
        // Not before: until what was tightened is in force, an explanation must not say that it is.
        let learned = learning::learn(self.kept, &self.settings.name, self.run.id(), listed)?;
        self.run.learned = Learned { people: self.run.learned.people, ..learned };

        let is_held = is_too_much(remove.len(), known.documents.len(), self.settings.removal_guard_percent)
            && !self.kept.status(&self.settings.name)?.may_remove;
        if is_held {
            let cause = format!("{} of {} documents are gone at the source", remove.len(), known.documents.len());
            self.fail(Failure {
                what: String::new(),
                code: "removal_held".to_owned(),
                cause,
                remedy: "look whether the crawler's account lost a right; if they are really gone, start a full sync"
                    .to_owned(),
            });
        } else {
            self.run.removed = remove.len() as u64;
            // What stands below a page needs its restriction, also when the page itself is gone.
            let still_above = seen.left_out.iter().chain(listed.told.keys()).cloned().collect();
            applying.remove(&remove, &still_above, self.run.id())?;
        }
        self.move_known(&move_only, seen, listed, &mut applying)?;

        self.phase("content")?;
        let fetch = self.without_refused(fetch, seen)?;
        self.run.progress.to_read = fetch.len() as u64;
        let outcome = self.fetch(&fetch, known, seen, listed, &mut applying);
        // What was read until it was stopped is true, and is kept.
        applying.commit()?;
        outcome?;
        Ok(is_held)
    }

    /// Leaves out files that could not be read as they are: to try a hostile one at each sync would cost its seconds each time.
    /// A full run tries them all, and so does one a day later: it may have been the machine. They stay listed among the failures.
    fn without_refused(&mut self, ids: Vec<DocumentId>, seen: &Seen) -> Result<Vec<DocumentId>, End> {
        let is_listed = |id: &DocumentId| seen.documents.contains_key(id) && !seen.left_out.contains(id);
        let is_missed = |id: &DocumentId| seen.partial.is_empty() && seen.has_all_spaces && !is_listed(id);
        self.kept.forget_refused(&self.settings.name, |id| self.mode == Mode::Full || is_missed(id))?;
        let mut left = Vec::new();
        for id in ids {
            let refused = self.kept.refused(&id)?;
            let is_same = |of: &Refused| seen.documents.get(&id).is_some_and(|now| now.revision == of.revision);
            match refused.filter(|of| is_same(of) && self.run.began.since(of.at) < REFUSED_MS) {
                Some(refused) => self.fail(refused.failure),
                None => left.push(id),
            }
        }
        Ok(left)
    }

    /// New titles and places for words that did not change.
    fn move_known(
        &mut self,
        ids: &[DocumentId],
        seen: &Seen,
        listed: &Listed,
        applying: &mut Applying<'_>,
    ) -> Result<(), End> {
        for some in ids.chunks(FETCHED_TOGETHER) {
            self.tick()?;
            let mut ready = Vec::new();
            for id in some {
                let (Some(item), Some(held), Some(old)) =
                    (listed.items.get(id), seen.documents.get(id), self.kept.page(id)?)
                else {
                    continue;
                };
                let words = Words {
                    blocks: old.blocks,
                    links: old.links,
                    revision: item.revision,
                    updated_ms: item.updated_ms,
                    author: item.author.clone(),
                };
                ready.push(self.ready(item, words, listed, held, Content::Kept));
            }
            self.run.changed += ready.len() as u64;
            applying.put(&ready)?;
        }
        Ok(())
    }

    /// Reads words on a few threads and puts them in as they arrive.
    fn fetch(
        &mut self,
        ids: &[DocumentId],
        known: &Known,
        seen: &Seen,
        listed: &Listed,
        applying: &mut Applying<'_>,
    ) -> Result<(), End> {
        let groups = groups(ids, FETCHED_TOGETHER, listed);
        let names = self.names(listed.people.as_ref());
        let (source, is_stopped) = (self.source, &AtomicBool::new(false));
        let next = &std::sync::atomic::AtomicUsize::new(0);
        let (groups, names) = (&groups, &names);
        // As many answers wait as there are threads: memory stays bounded while the index is busy.
        let (answers, answered) = mpsc::sync_channel(FETCHERS);
        std::thread::scope(|scope| {
            for _ in 0..FETCHERS.min(groups.len()) {
                let answers = answers.clone();
                scope.spawn(move || {
                    while let Some(group) = groups.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let fetched = source.fetch(group, names);
                        if is_stopped.load(Ordering::Relaxed) || answers.send((group, fetched)).is_err() {
                            return;
                        }
                    }
                });
            }
            drop(answers);
            let put_all = || -> Result<(), End> {
                for (group, fetched) in answered {
                    self.put(group, fetched, known, seen, listed, applying)?;
                    self.tick()?;
                }
                Ok(())
            };
            // The receiver is gone when this is over, so that nobody waits to send.
            let outcome = put_all();
            is_stopped.store(true, Ordering::Relaxed);
            outcome
        })
    }

    fn put(
        &mut self,
        group: &[&Item],
        fetched: Vec<Result<Words, Failure>>,
        known: &Known,
        seen: &Seen,
        listed: &Listed,
        applying: &mut Applying<'_>,
    ) -> Result<(), End> {
        let mut ready = Vec::new();
        self.run.progress.read += group.len() as u64;
        for (item, words) in group.iter().zip(fetched) {
            match (words, seen.documents.get(&item.id)) {
                (Ok(words), Some(held)) => {
                    let count = if known.documents.contains_key(&item.id) {
                        &mut self.run.changed
                    } else {
                        &mut self.run.added
                    };
                    *count += 1;
                    ready.push(self.ready(item, words, listed, held, Content::Changed));
                }
                (Err(failure), _) => {
                    if failure.is_of_the_file() {
                        let refused = Refused { revision: item.revision, at: self.run.began, failure: failure.clone() };
                        self.kept.refuse(&item.id, &refused)?;
                    }
                    self.fail(failure);
                }
                (Ok(_), None) => {}
            }
        }
        applying.put(&ready)?;
        Ok(())
    }

    fn ready(&self, item: &Item, words: Words, listed: &Listed, held: &Held, are_words: Content) -> Ready {
        let document = document(item, words, listed, &self.settings.fields);
        Ready { document, class: held.class, head: held.head, words: are_words }
    }

    pub(super) fn phase(&mut self, phase: &str) -> Result<(), End> {
        self.run.enter(phase, self.rooms.clock.now());
        tracing::debug!(source = %self.settings.name, phase, "sync");
        self.tick()
    }

    pub(super) fn tick(&mut self) -> Result<(), End> {
        if (self.watch)(&self.run).is_break() { Err(End::Stopped) } else { Ok(()) }
    }

    fn miss(&mut self, listed: &mut Listed, failure: Failure) {
        listed.are_permissions_whole = false;
        self.fail(failure);
    }

    pub(super) fn fail(&mut self, failure: Failure) {
        tracing::warn!(source = %self.settings.name, what = failure.what, code = failure.code, "sync");
        match self.run.failures.len() {
            listed if listed < FAILURES_MAX => self.run.failures.push(failure),
            _ => {
                if let Some(last) = self.run.failures.last_mut() {
                    *last = Failure {
                        what: String::new(),
                        code: "and_more".to_owned(),
                        cause: "more could not be read than is listed here".to_owned(),
                        remedy: "mend what is listed, then sync again".to_owned(),
                    };
                }
            }
        }
    }
}

pub(super) fn broken(error: impl std::error::Error + Send + Sync + 'static) -> End {
    End::Broken(Error::Broken(Box::new(error)))
}
