//! What the pages ask for besides answers: who is signed in, documents, search results, sign-in buttons.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Space, matches, utf16};
use crate::app;
use crate::application;
use crate::clock::Moment;
use crate::corpus::{self, DocumentId};
use crate::crawl::{self, Field};
use crate::index::{Joined, Opened};

/// Who is signed in, and what greets them.
#[derive(Debug, Serialize, ToSchema)]
pub struct Me {
    /// The person.
    pub user: User,
    /// `administrator`, `auditor`, `support`.
    pub roles: Vec<&'static str>,
    /// The application they are in.
    pub application: Application,
    /// All that are theirs; for most people it is one, and then the page does not speak of it.
    pub applications: Vec<Application>,
    /// `reader` (ask and search) or `full` (also export).
    pub tier: &'static str,
    /// The spaces in which they can open something there.
    pub spaces: Vec<Space>,
    /// Questions to begin with: the application's, then such as are made from titles they may read.
    pub examples: Vec<String>,
    /// Days a conversation is kept; 0 until deleted.
    pub retention_days: u64,
    /// Of their history in this session: `open`, `locked`, or `unbound`, which keeps nothing until it is bound.
    pub history: &'static str,
}

/// A person.
#[derive(Debug, Serialize, ToSchema)]
pub struct User {
    /// Ours.
    pub id: String,
    /// The name they sign in with.
    pub user_name: String,
    /// What the page calls them.
    pub display_name: String,
    /// For a greeting.
    pub given_name: Option<String>,
    /// The first e-mail address.
    pub email: Option<String>,
}

/// An assistant.
#[derive(Debug, Serialize, ToSchema)]
pub struct Application {
    /// A short word.
    pub id: String,
    /// What the page is called.
    pub title: String,
    /// One line under the greeting.
    pub welcome: String,
    /// Its sample questions.
    pub questions: Vec<String>,
}

/// In which application of theirs somebody is.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct InApplication {
    /// Its id; the default one, or their first, where absent.
    pub application: Option<String>,
}

/// The ways to sign in.
#[derive(Debug, Serialize, ToSchema)]
pub struct Providers {
    /// At least one, where one is configured.
    pub providers: Vec<Provider>,
}

/// One way to sign in.
#[derive(Debug, Serialize, ToSchema)]
pub struct Provider {
    /// A short word.
    pub id: String,
    /// What the button says.
    pub name: String,
    /// Where the button leads; `?return_to=/path` may be added.
    pub login: String,
}

/// The session has ended.
#[derive(Debug, Serialize, ToSchema)]
pub struct SignedOut {
    /// Where the browser should go to end the provider's own session; `null` where the provider has no such address.
    pub provider_logout: Option<String>,
}

/// What is looked for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Search {
    /// 1 to 4096 bytes of UTF-8; words, never a query language.
    pub query: String,
    /// 1 to 50; 10 where absent.
    #[serde(default)]
    pub limit: Option<usize>,
    /// Space keys.
    #[serde(default)]
    pub spaces: Option<Vec<String>>,
    /// Labels; any of them.
    #[serde(default)]
    pub labels: Option<Vec<String>>,
    /// Display names of who changed it last, or made it, as the source's settings keep them.
    #[serde(default)]
    pub authors: Option<Vec<String>>,
    /// Kinds: `page`, `blogpost`, `comment`, `attachment`.
    #[serde(default)]
    pub kinds: Option<Vec<String>>,
    /// RFC 3339: changed at or after.
    #[serde(default)]
    pub updated_after: Option<String>,
    /// RFC 3339: changed before.
    #[serde(default)]
    pub updated_before: Option<String>,
    /// RFC 3339: made at or after.
    #[serde(default)]
    pub created_after: Option<String>,
    /// RFC 3339: made before.
    #[serde(default)]
    pub created_before: Option<String>,
    /// Documents, `SOURCE:ID`: what hangs on one of these, or stands directly below it.
    #[serde(default)]
    pub parents: Option<Vec<String>>,
    /// Fields by the names that the sources' settings give them. Of a source that has no field of a name nothing is found.
    #[serde(default)]
    pub fields: Option<BTreeMap<String, FieldFilter>>,
    /// The application; absent for the default one, or the asker's first.
    #[serde(default)]
    pub application: Option<String>,
}

/// What a field is narrowed to.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged, deny_unknown_fields)]
pub enum FieldFilter {
    /// Any of these values.
    Values(Vec<String>),
    /// Times, RFC 3339.
    Times {
        /// At or after.
        #[serde(default)]
        after: Option<String>,
        /// Before.
        #[serde(default)]
        before: Option<String>,
    },
}

/// Passages, best first.
#[derive(Debug, Serialize, ToSchema)]
pub struct SearchResults {
    /// The passages; those of one document that stand beside each other are one.
    pub results: Vec<SearchResult>,
}

/// One passage.
#[derive(Debug, Serialize, ToSchema)]
pub struct SearchResult {
    /// `SOURCE:ID`.
    pub document_id: String,
    /// Its document's title.
    pub title: String,
    /// Its space.
    pub space: Space,
    /// Where the original is opened.
    pub url: String,
    /// `SOURCE:ID@REVISION#PLACE`; the best of those joined.
    pub passage_id: String,
    /// Its text, with that of its neighbours where they were found too, in reading order.
    pub text: String,
    /// Where words of the query stand: `[start, end]` in UTF-16 code units of `text`.
    pub quotes: Vec<Vec<u32>>,
}

/// A document as it was indexed: text in blocks, never markup.
#[derive(Debug, Serialize, ToSchema)]
pub struct Document {
    /// `SOURCE:ID`.
    pub document_id: String,
    /// `page`, `blogpost`, `comment` or `attachment`.
    pub kind: &'static str,
    /// Its title.
    pub title: String,
    /// Its space.
    pub space: Space,
    /// Where the original is opened.
    pub url: String,
    /// Who changed it last.
    pub author: String,
    /// RFC 3339.
    pub updated_at: String,
    /// Its labels.
    pub labels: Vec<String>,
    /// The visible ones of the pages above it, root first.
    pub ancestors: Vec<Ancestor>,
    /// What is kept of it beside its words, each under the name that its source's settings give it.
    pub fields: Vec<DocumentField>,
    /// The content, in reading order.
    pub blocks: Vec<Block>,
    /// The passages it was cut into.
    pub passages: Vec<Passage>,
}

/// One field of a document.
#[derive(Debug, Serialize, ToSchema)]
pub struct DocumentField {
    /// Our name of it.
    pub field: &'static str,
    /// The name that its source's settings give it.
    pub name: String,
    /// What it says; of a time, RFC 3339.
    pub values: Vec<String>,
}

/// A page above.
#[derive(Debug, Serialize, ToSchema)]
pub struct Ancestor {
    /// `SOURCE:ID`.
    pub document_id: String,
    /// Its title.
    pub title: String,
}

/// A passage of a document.
#[derive(Debug, Serialize, ToSchema)]
pub struct Passage {
    /// `SOURCE:ID@REVISION#PLACE`.
    pub passage_id: String,
    /// The headings above it, outermost first.
    pub under: Vec<String>,
    /// Its text.
    pub text: String,
}

/// One block of a document.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case", tag = "block")]
pub enum Block {
    /// A heading; `level` 1 is the largest.
    Heading { level: u8, text: String },
    /// A paragraph.
    Paragraph { text: String },
    /// An item of a list; `depth` 0 is the outermost, `done` is there for a task.
    Item { depth: u8, number: Option<u32>, done: Option<bool>, text: String },
    /// A table.
    Table { header: Vec<String>, rows: Vec<Vec<String>> },
    /// Code or preformatted text.
    Code { language: Option<String>, text: String },
    /// A quotation.
    Quote { text: String },
}

impl From<&app::Me> for Me {
    fn from(me: &app::Me) -> Me {
        Me {
            user: User {
                id: me.person.id.to_string(),
                user_name: me.person.user_name.clone(),
                display_name: me.person.display_name.clone(),
                given_name: me.person.given_name.clone(),
                email: me.person.emails.first().cloned(),
            },
            roles: me.roles.iter().map(|role| role.word()).collect(),
            application: Application::from(&*me.application),
            applications: me.applications.iter().map(|one| Application::from(&**one)).collect(),
            tier: me.tier.word(),
            spaces: me.spaces.iter().map(Space::from).collect(),
            examples: me.examples.clone(),
            retention_days: me.retention_days,
            history: super::protection::standing(me.history),
        }
    }
}

impl From<&application::Application> for Application {
    fn from(application: &application::Application) -> Application {
        Application {
            id: application.id.to_string(),
            title: application.title.clone(),
            welcome: application.welcome.clone(),
            questions: application.questions.clone(),
        }
    }
}

impl SearchResult {
    /// What was found, with the words of the query marked.
    pub fn of(found: &Joined, query: &str) -> SearchResult {
        let (head, text) = (found.best().head(), found.text());
        SearchResult {
            document_id: head.id.to_string(),
            title: head.title.clone(),
            space: Space::from(&head.space),
            url: head.url.clone(),
            passage_id: found.best().passage().id.to_string(),
            quotes: utf16(&text, &matches(&text, query)),
            text,
        }
    }
}

impl Document {
    /// An opened document with the ancestors its reader may see, and its fields as the settings of its source call them.
    pub fn of(opened: &Opened, ancestors: &[(DocumentId, String)], settings: Option<&crawl::Settings>) -> Document {
        let document = opened.document();
        Document {
            document_id: document.id.to_string(),
            kind: match document.kind {
                corpus::Kind::Page => "page",
                corpus::Kind::Blogpost => "blogpost",
                corpus::Kind::Comment => "comment",
                corpus::Kind::Attachment => "attachment",
            },
            title: document.title.clone(),
            space: Space::from(&document.space),
            url: document.url.clone(),
            author: document.author.clone(),
            updated_at: Moment::from_ms(document.updated_ms).rfc3339(),
            labels: document.labels.clone(),
            ancestors: ancestors
                .iter()
                .map(|(id, title)| Ancestor { document_id: id.to_string(), title: title.clone() })
                .collect(),
            fields: settings.map(|settings| fields(document, ancestors, settings)).unwrap_or_default(),
            blocks: document.blocks.iter().map(Block::from).collect(),
            passages: opened.passages().iter().map(Passage::from).collect(),
        }
    }
}

/// The fields of a document that say something.
fn fields(
    document: &corpus::Document,
    ancestors: &[(DocumentId, String)],
    settings: &crawl::Settings,
) -> Vec<DocumentField> {
    let kept = Field::ALL.into_iter().filter(|field| settings.fields.keeps(*field));
    let all = kept.map(|field| DocumentField {
        field: field.word(),
        name: settings.fields.name(field).to_owned(),
        values: values(document, ancestors, field),
    });
    all.filter(|field| !field.values.is_empty()).collect()
}

fn values(document: &corpus::Document, ancestors: &[(DocumentId, String)], field: Field) -> Vec<String> {
    let text = |text: &str| if text.is_empty() { Vec::new() } else { vec![text.to_owned()] };
    match field {
        Field::Title => text(&document.title),
        Field::Authors => {
            let mut names = [text(&document.author), text(&document.made.by)].concat();
            names.dedup();
            names
        }
        Field::Created => document.made.at_ms.map(|at| Moment::from_ms(at).rfc3339()).into_iter().collect(),
        Field::Updated => vec![Moment::from_ms(document.updated_ms).rfc3339()],
        Field::Labels => document.labels.clone(),
        Field::Space => text(&document.space.name),
        Field::Type => vec![document.kind.word().to_owned()],
        Field::Version => vec![document.revision.to_string()],
        // Of the page above it the title is told only to who may open that page.
        Field::Parent => {
            let parent = document.parent();
            let told = ancestors.iter().find(|(id, _)| Some(id) == parent).map(|(_, title)| title.clone());
            told.into_iter().collect()
        }
        Field::Url => text(&document.url),
    }
}

impl From<&corpus::Passage> for Passage {
    fn from(passage: &corpus::Passage) -> Passage {
        Passage { passage_id: passage.id.to_string(), under: passage.under.clone(), text: passage.text.clone() }
    }
}

impl From<&corpus::Block> for Block {
    fn from(block: &corpus::Block) -> Block {
        match block.clone() {
            corpus::Block::Heading { level, text } => Block::Heading { level, text },
            corpus::Block::Paragraph { text } => Block::Paragraph { text },
            corpus::Block::Item { depth, number, done, text } => Block::Item { depth, number, done, text },
            corpus::Block::Table { header, rows } => Block::Table { header, rows },
            corpus::Block::Code { language, text } => Block::Code { language, text },
            corpus::Block::Quote { text } => Block::Quote { text },
        }
    }
}
