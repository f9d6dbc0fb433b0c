//! What can happen to a person.
//!
//! The policy: a variant exists because the person is told something different. What they may not see is
//! [`Error::NotThere`], by the same path as what does not exist. A refusal is not a fault of the machine. Everything
//! else is [`Error::Broken`], save a full disk, which the person can wait out and IT can mend: it is looked for in the
//! whole chain of causes, whichever room it came through.

use std::error::Error as StdError;

use super::protect::Standing;
use crate::{acl, application, audit, crawl, directory, history, index, model, scim, sso, store, vault};

/// What can happen to a person. `web::reply` turns each into a status.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no session, or it has ended.
    #[error("you are not signed in")]
    SignedOut,
    /// The role is missing; shown as "not there" where that would tell something.
    #[error("this is not yours to do")]
    NotYours,
    /// Their seat does not have this; what to do.
    #[error("your seat lets you ask and search, not export; an administrator can give you a full one")]
    NotInSeat,
    /// It does not exist, or may not be seen: the same words.
    #[error("there is no such thing here")]
    NotThere,
    /// The model has no free turn, or a sync is running already.
    #[error("too much is being done at once; try again in a moment")]
    Busy,
    /// The asker's history does not open, or nothing may be added to it, in this session.
    #[error("{}", words_of(*.0))]
    Locked(Standing),
    /// What was given does not unlock the history.
    #[error("this does not unlock your history")]
    Wrong,
    /// Who sent it could not prove to be who may; how to.
    #[error("{0}")]
    Unproven(String),
    /// What was sent does not fit; what to mend.
    #[error("{0}")]
    Unreadable(String),
    /// It stands against how things are now; against what, and what can be done.
    #[error("{0}")]
    Conflict(String),
    /// A login was refused.
    #[error(transparent)]
    Refused(#[from] sso::Refusal),
    /// The disk is full: nothing acknowledged is lost.
    #[error("the appliance has no room left; nothing that was kept is lost")]
    Full,
    /// Something of ours is broken; someone should look.
    #[error("something went wrong here")]
    Broken(#[source] Box<dyn StdError + Send + Sync>),
}

impl Error {
    fn of(cause: impl StdError + Send + Sync + 'static) -> Error {
        let mut link: Option<&(dyn StdError + 'static)> = Some(&cause);
        while let Some(error) = link {
            if matches!(error.downcast_ref::<store::Error>(), Some(store::Error::Full)) {
                return Error::Full;
            }
            link = error.source();
        }
        Error::Broken(Box::new(cause))
    }
}

macro_rules! broken_by {
    ($($error:ty),+ $(,)?) => {
        $(impl From<$error> for Error {
            fn from(cause: $error) -> Error {
                Error::of(cause)
            }
        })+
    };
}

broken_by!(store::Error, audit::Error, index::Error, acl::Error, directory::Error, crawl::Error);

impl From<sso::Error> for Error {
    fn from(cause: sso::Error) -> Error {
        match cause {
            sso::Error::Refused(refusal) => Error::Refused(refusal),
            sso::Error::Store(error) => Error::of(error),
        }
    }
}

impl From<vault::Error> for Error {
    fn from(cause: vault::Error) -> Error {
        match cause {
            vault::Error::Locked => Error::Locked(Standing::Locked),
            vault::Error::Wrong => Error::Wrong,
            vault::Error::Unfit(what) => Error::Unreadable(what.to_owned()),
            vault::Error::Forgotten
            | vault::Error::DoesNotOpen
            | vault::Error::KeyFile(_)
            | vault::Error::RootKey(..)
            | vault::Error::Broken(_) => Error::of(cause),
        }
    }
}

/// What is told where a history does not open.
fn words_of(standing: Standing) -> &'static str {
    match standing {
        Standing::Open => "your history is open",
        Standing::Locked => {
            "your history is locked: unlock it, or ask in a temporary conversation, of which nothing is kept"
        }
        Standing::Unbound => {
            "your company asks that your history be bound to you alone: set a passphrase or a passkey on the privacy page, or \
             ask in a temporary conversation, of which nothing is kept"
        }
    }
}

impl From<history::Error> for Error {
    fn from(cause: history::Error) -> Error {
        match cause {
            history::Error::NotThere => Error::NotThere,
            history::Error::NoTitle => Error::Unreadable(cause.to_string()),
            history::Error::Vault(vault::Error::Locked) => Error::Locked(Standing::Locked),
            history::Error::Store(_) | history::Error::Vault(_) => Error::of(cause),
        }
    }
}

impl From<scim::Error> for Error {
    fn from(cause: scim::Error) -> Error {
        match cause {
            scim::Error::NotThere(_) => Error::NotThere,
            scim::Error::Taken(_) | scim::Error::Locked(_) | scim::Error::TooMany => {
                Error::Unreadable(cause.to_string())
            }
            scim::Error::Broken(error) => Error::of(error),
        }
    }
}

impl From<application::Error> for Error {
    fn from(cause: application::Error) -> Error {
        match cause {
            application::Error::NotThere => Error::NotThere,
            application::Error::Wrong(_) | application::Error::Refused(_) => Error::Unreadable(cause.to_string()),
            application::Error::Directory(_) | application::Error::Broken(_) => Error::of(cause),
        }
    }
}

impl From<model::Error> for Error {
    fn from(cause: model::Error) -> Error {
        match cause {
            model::Error::Busy => Error::Busy,
            model::Error::Missing { .. }
            | model::Error::Wrong { .. }
            | model::Error::Unknown(..)
            | model::Error::Manifest { .. }
            | model::Error::Unfit(_)
            | model::Error::NoSpace { .. }
            | model::Error::TooLong
            | model::Error::Broken(_) => Error::of(cause),
        }
    }
}

/// An error with all its sources, outermost first.
pub fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(deeper) = cause {
        text = format!("{text}: {deeper}");
        cause = deeper.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_as_such_whichever_room_met_it() {
        let met_by_history = history::Error::Store(store::Error::Full);

        assert!(matches!(Error::from(met_by_history), Error::Full));
    }

    #[test]
    fn another_persons_conversation_is_not_there() {
        assert!(matches!(Error::from(history::Error::NotThere), Error::NotThere));
    }
}
