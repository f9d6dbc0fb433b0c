//! Looks whether a source can be relied on, before it is: each right that a sync needs, and what to do where one is missing.

use super::Failure;
use super::source::Source;

/// Spaces whose permissions are tried; the sync tries all.
const SPACES_MAX: usize = 50;

/// One thing that was looked at: what is good about it, or what is wrong and its remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What, in one or two words.
    pub what: &'static str,
    /// In plain words.
    pub outcome: Result<String, Failure>,
}

/// Looks at everything in the order in which a sync needs it. Where the source takes us for nobody or for somebody else, that
/// is all there is to say: whatever came after would be true of somebody else.
pub(super) fn examine(source: &dyn Source) -> Vec<Finding> {
    let mut findings = vec![Finding { what: "sign-in", outcome: source.connect() }];
    if findings[0].outcome.is_err() {
        return findings;
    }
    findings.push(Finding { what: "version", outcome: source.about() });
    findings.push(Finding {
        what: "use",
        outcome: source.may_use().map(|subjects| {
            match (subjects.anyone, subjects.groups.len(), subjects.accounts.len()) {
                (true, ..) => "everybody with an account may use it".to_owned(),
                (false, groups, accounts) => format!("{groups} groups and {accounts} users may use it"),
            }
        }),
    });
    let listed = source.spaces();
    let spaces = listed.as_deref().unwrap_or_default().to_vec();
    findings.push(Finding {
        what: "spaces",
        outcome: listed.and_then(|spaces| match spaces.len() {
            0 => Err(Failure {
                what: String::new(),
                code: "no_spaces".to_owned(),
                cause: "the crawler's account can view no space that the settings take in".to_owned(),
                remedy: "let it view the spaces, and look whether the keys in spaces are right".to_owned(),
            }),
            count => Ok(format!("{count} spaces are taken in")),
        }),
    });
    if !spaces.is_empty() {
        findings.push(Finding { what: "space permissions", outcome: permissions(source, &spaces) });
    }
    findings.extend(source.try_rights(&spaces));
    findings
}

fn permissions(source: &dyn Source, spaces: &[crate::corpus::Space]) -> Result<String, Failure> {
    let tried = &spaces[..spaces.len().min(SPACES_MAX)];
    let failures: Vec<Failure> = tried.iter().filter_map(|space| source.may_view(space).err()).collect();
    match failures.into_iter().collect::<Vec<_>>().as_slice() {
        [] => Ok(format!("who may view them is told ({} of {} tried)", tried.len(), spaces.len())),
        [first, ..] if tried.len() == 1 => Err(first.clone()),
        all @ [first, ..] => Err(Failure {
            cause: format!(
                "of {} spaces tried, {} do not tell who may view them; the first: {}",
                tried.len(),
                all.len(),
                first.cause
            ),
            ..first.clone()
        }),
    }
}
