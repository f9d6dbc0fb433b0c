//! What each macro of Confluence leaves of itself.

/// What to do with a macro. Names that are not here are [`Kind::Body`]: a macro we do not know keeps what it encloses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Its title, then what it encloses.
    Body,
    /// A panel with a meaning: the word before its title.
    Panel(&'static str),
    /// Nothing at all: it shows other pages, navigation, or what changes by itself.
    Dropped,
    /// Only what it encloses: its parameters are layout.
    Bare,
    /// Code, with its title and language.
    Code,
    /// The source of a drawing or a formula, named as its language.
    Source,
    /// A word in brackets.
    Status,
    /// Another page's content, which is named and never fetched.
    Includes(&'static str),
    /// An issue, by key or query.
    Issue,
    /// A file, an address or a drawing, by the first of these parameters.
    Named(&'static str, &'static [&'static str]),
    /// A person.
    Person,
    /// HTML in its plain body.
    Html,
    /// Markdown in its plain body.
    Markdown,
    /// Kept unless its parameter `hidden` is set.
    Excerpt,
}

/// The macro's kind by its name.
pub(super) fn kind(name: &str) -> Kind {
    match name {
        "code" | "code-block" | "codeblock" | "noformat" | "code-pro" => Kind::Code,
        "plantuml"
        | "plantumlrender"
        | "mermaid"
        | "mermaid-macro"
        | "mermaid-cloud"
        | "latex"
        | "latex-formatting"
        | "mathblock"
        | "mathinline"
        | "mathjax-block-macro"
        | "mathjax-inline-macro"
        | "graphviz" => Kind::Source,
        "info" => Kind::Panel("Info"),
        "note" => Kind::Panel("Note"),
        "tip" => Kind::Panel("Tip"),
        "warning" => Kind::Panel("Warning"),
        "status" | "status-handy" => Kind::Status,
        "include" => Kind::Includes("includes page"),
        "excerpt-include" | "excerptinclude" | "multiexcerpt-include" | "multiexcerpt-include-macro" => {
            Kind::Includes("includes excerpt of page")
        }
        "jira" | "jiraissues" => Kind::Issue,
        "profile" => Kind::Person,
        "html" | "html-bobswift" => Kind::Html,
        "markdown" | "markdown-macro" => Kind::Markdown,
        "excerpt" => Kind::Excerpt,
        "section" | "column" | "toc-zone" | "details" | "div" | "span" | "center" | "html-wrap" | "ui-tabs"
        | "deck" | "scroll-ignore" | "scroll-only" => Kind::Bare,
        "view-file" | "viewfile" | "viewpdf" | "viewdoc" | "viewxls" | "viewppt" | "multimedia" => {
            Kind::Named("file", &["name"])
        }
        "widget" | "iframe" | "html-include" | "widget-connector" => Kind::Named("link", &["url", "src"]),
        "drawio" | "drawio-sketch" | "inc-drawio" => {
            Kind::Named("diagram", &["diagramDisplayName", "diagramName", "name"])
        }
        "gliffy" | "lucidchart" | "balsamiq" | "mockup" => Kind::Named("diagram", &["displayName", "name", "title"]),
        "toc"
        | "anchor"
        | "children"
        | "pagetree"
        | "pagetreesearch"
        | "recently-updated"
        | "recently-updated-dashboard"
        | "livesearch"
        | "search"
        | "contributors"
        | "contributors-summary"
        | "contentbylabel"
        | "gallery"
        | "attachments"
        | "blog-posts"
        | "index"
        | "listlabels"
        | "popular-labels"
        | "related-labels"
        | "navmap"
        | "spaces-list"
        | "spaces"
        | "space-attachments"
        | "space-details"
        | "favpages"
        | "change-history"
        | "create-from-template"
        | "create-space-button"
        | "userlister"
        | "network"
        | "tasks-report-macro"
        | "detailssummary"
        | "content-report-table"
        | "global-reports"
        | "profile-picture"
        | "loremipsum"
        | "noprint"
        | "rss"
        | "chart"
        | "calendar"
        | "roadmap"
        | "contentbyuser"
        | "pageapproval"
        | "incoming-links"
        | "display-children" => Kind::Dropped,
        _ => Kind::Body,
    }
}

/// The word before what a panel of the new editor says; `None` for one that only has a colour.
pub(super) fn label(panel: &str) -> Option<&'static str> {
    match panel {
        "info" => Some("Info"),
        "note" => Some("Note"),
        "tip" | "success" => Some("Tip"),
        "warning" | "error" => Some("Warning"),
        _ => None,
    }
}
