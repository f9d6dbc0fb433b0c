//! Which part of the desk is whose: by the roles that somebody has at this request.

use super::{App, Asker, Error};
use crate::directory::Role;

impl App {
    /// People, groups, accounts, sessions, assistants, provisioning: administrators, and those who keep the directory.
    pub(super) fn directory_only(&self, asker: &Asker) -> Result<(), Error> {
        self.only(asker, &[Role::Administrator, Role::Directory])
    }

    /// Health and how the sources stand: administrators and support.
    pub(super) fn health_only(&self, asker: &Asker) -> Result<(), Error> {
        self.only(asker, &[Role::Administrator, Role::Support])
    }

    /// To everybody else it is not there.
    fn only(&self, asker: &Asker, roles: &[Role]) -> Result<(), Error> {
        match roles.iter().any(|role| asker.has(*role)) {
            true => Ok(()),
            false => Err(Error::NotThere),
        }
    }
}
