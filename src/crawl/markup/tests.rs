//! Storage format as Confluence writes it, and as nobody should.

use std::time::Duration;

use super::*;

/// Time this thread had on a processor: a busy machine makes it no longer.
fn worked() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
}

fn names(mention: Mention<'_>) -> Option<String> {
    (mention == Mention::Key("4028") || mention == Mention::Name("ana")).then(|| "Ana Ruiz".to_owned())
}

fn blocks(text: &str) -> Vec<Block> {
    read(text, &names).blocks
}

fn paragraph(text: &str) -> Block {
    Block::Paragraph { text: text.to_owned() }
}

fn item(done: Option<bool>, text: &str) -> Block {
    Block::Item { depth: 0, number: None, done, text: text.to_owned() }
}

/// One paragraph's text.
fn line(text: &str) -> String {
    match blocks(text).as_slice() {
        [Block::Paragraph { text }] => text.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn plain_elements_and_entities_are_read() {
    let text = "<h2>Leave &amp; pay</h2><p>A&nbsp;day &rarr; 8&#160;h, &#x41;&unknown;<br/>next</p><ul><li><p>one</p></li></ul>";

    let heading = Block::Heading { level: 2, text: "Leave & pay".to_owned() };
    assert_eq!(blocks(text), vec![heading, paragraph("A day → 8 h, A\nnext"), item(None, "one")]);
}

#[test]
fn code_keeps_its_form_and_its_split_end_of_cdata() {
    let text = r#"<ac:structured-macro ac:name="code"><ac:parameter ac:name="language">xml</ac:parameter><ac:parameter ac:name="title">Sample</ac:parameter><ac:parameter ac:name="theme">Midnight</ac:parameter><ac:plain-text-body><![CDATA[<a> 1 < 2 &amp;
  b]]]]><![CDATA[>]]></ac:plain-text-body></ac:structured-macro>"#;

    let code = Block::Code { language: Some("xml".to_owned()), text: "<a> 1 < 2 &amp;\n  b]]>".to_owned() };
    assert_eq!(blocks(text), vec![paragraph("Sample"), code]);
}

#[test]
fn panels_keep_their_title_and_body_and_no_other_parameter() {
    let text = r#"<ac:structured-macro ac:name="warning" ac:schema-version="1"><ac:parameter ac:name="title">Careful</ac:parameter><ac:parameter ac:name="icon">false</ac:parameter><ac:rich-text-body><p>Hot.</p></ac:rich-text-body></ac:structured-macro>
        <ac:structured-macro ac:name="expand"><ac:parameter ac:name="title">More</ac:parameter><ac:rich-text-body><p>Inside.</p></ac:rich-text-body></ac:structured-macro>
        <ac:structured-macro ac:name="panel"><ac:parameter ac:name="bgColor">red</ac:parameter><ac:rich-text-body><p>Bare.</p></ac:rich-text-body></ac:structured-macro>"#;

    let expected = ["Warning: Careful", "Hot.", "More", "Inside.", "Bare."].map(paragraph);
    assert_eq!(blocks(text), expected);
    for (name, label) in [("info", "Info:"), ("note", "Note:"), ("tip", "Tip:"), ("warning", "Warning:")] {
        let text = macro_of(name, &[("icon", "false")], "<p>Hot.</p>");
        assert_eq!(blocks(&text), [label, "Hot."].map(paragraph), "{name}");
    }
}

/// A macro with parameters around a rich body.
fn macro_of(name: &str, parameters: &[(&str, &str)], body: &str) -> String {
    let parameters: String = parameters
        .iter()
        .map(|(name, value)| format!("<ac:parameter ac:name=\"{name}\">{value}</ac:parameter>"))
        .collect();
    let body = if body.is_empty() { String::new() } else { format!("<ac:rich-text-body>{body}</ac:rich-text-body>") };
    format!("<ac:structured-macro ac:name=\"{name}\">{parameters}{body}</ac:structured-macro>")
}

#[test]
fn an_unknown_macro_keeps_what_it_encloses() {
    let text = r#"<ac:structured-macro ac:name="acme-box"><ac:parameter ac:name="secretSetting">x1</ac:parameter><ac:parameter ac:name="title">Box</ac:parameter><ac:rich-text-body><p>kept</p></ac:rich-text-body></ac:structured-macro>
        <ac:structured-macro ac:name="acme-text"><ac:plain-text-body><![CDATA[plain kept]]></ac:plain-text-body></ac:structured-macro>"#;

    let plain = Block::Code { language: None, text: "plain kept".to_owned() };
    assert_eq!(blocks(text), vec![paragraph("Box"), paragraph("kept"), plain]);
}

#[test]
fn other_pages_are_named_and_never_followed() {
    let include = r#"<p><ac:structured-macro ac:name="include"><ac:parameter ac:name=""><ac:link><ri:page ri:content-title="Team" ri:space-key="HR"/></ac:link></ac:parameter></ac:structured-macro></p>"#;
    let excerpt = r#"<ac:structured-macro ac:name="excerpt-include"><ac:parameter ac:name=""><ac:link><ri:page ri:content-title="Team"/></ac:link></ac:parameter></ac:structured-macro>"#;

    assert_eq!(line(include), "(includes page: HR:Team)");
    assert_eq!(line(excerpt), "(includes excerpt of page: Team)");
    let multi = r#"<ac:structured-macro ac:name="multiexcerpt-include-macro"><ac:parameter ac:name="MultiExcerptName">n</ac:parameter><ac:parameter ac:name="PageWithExcerpt"><ac:link><ri:page ri:content-title="Team"/></ac:link></ac:parameter></ac:structured-macro>"#;
    assert_eq!(line(multi), "(includes excerpt of page: Team)");
}

#[test]
fn navigation_leaves_nothing() {
    let text = r#"<ac:structured-macro ac:name="toc"><ac:parameter ac:name="maxLevel">3</ac:parameter></ac:structured-macro><ac:structured-macro ac:name="children"/><p>Words.</p><ac:structured-macro ac:name="excerpt"><ac:parameter ac:name="hidden">true</ac:parameter><ac:rich-text-body><p>hidden</p></ac:rich-text-body></ac:structured-macro>"#;

    assert_eq!(blocks(text), vec![paragraph("Words.")]);
}

#[test]
fn tasks_say_whether_they_are_done() {
    let text = "<ac:task-list><ac:task><ac:task-id>7</ac:task-id><ac:task-uuid>u-1</ac:task-uuid><ac:task-status>complete</ac:task-status><ac:task-body><span>Badge</span></ac:task-body></ac:task>\n<ac:task><ac:task-id>8</ac:task-id><ac:task-status>incomplete</ac:task-status><ac:task-body>Laptop for <ac:link><ri:user ri:userkey=\"4028\"/></ac:link></ac:task-body></ac:task></ac:task-list>";

    assert_eq!(blocks(text), vec![item(Some(true), "Badge"), item(Some(false), "Laptop for @Ana Ruiz")]);
}

#[test]
fn mentions_and_links_are_said_in_words() {
    let text = r#"<p>Ask <ac:link><ri:user ri:username="ana" /></ac:link> or <ac:link><ri:user ri:userkey="gone"/></ac:link>, see <ac:link ac:anchor="top"><ri:page ri:content-title="Guide" ri:space-key="HR"/></ac:link> and <ac:link><ri:page ri:content-title="Other"/><ac:plain-text-link-body><![CDATA[this one]]></ac:plain-text-link-body></ac:link> or <a href="https://x">that</a>.</p>"#;

    assert_eq!(line(text), "Ask @Ana Ruiz or @unknown user, see Guide and this one or that.");
}

#[test]
fn what_a_page_points_to_is_kept_once_whatever_it_is_called() {
    let text = r##"<p><ac:link><ri:page ri:content-title="Guide" ri:space-key="HR"/></ac:link> <ac:link><ri:page ri:content-title="Guide" ri:space-key="HR"/><ac:plain-text-link-body><![CDATA[again]]></ac:plain-text-link-body></ac:link> <a href="https://x.example/a?b=1&amp;c=2#top">there</a> <a href="#here">here</a> <a href="javascript:x()">no</a></p><ac:structured-macro ac:name="include"><ac:parameter ac:name=""><ac:link><ri:page ri:content-title="Team"/></ac:link></ac:parameter></ac:structured-macro><ac:structured-macro ac:name="children"><ac:parameter ac:name="page"><ac:link><ri:page ri:content-title="Hidden"/></ac:link></ac:parameter></ac:structured-macro>"##;

    let page =
        |space: Option<&str>, title: &str| Link::Page { space: space.map(str::to_owned), title: title.to_owned() };
    let address = Link::Address("https://x.example/a?b=1&c=2".to_owned());
    assert_eq!(read(text, &names).links, [page(Some("HR"), "Guide"), address, page(None, "Team")]);
}

#[test]
fn what_is_hidden_from_readers_is_not_read() {
    let details = r#"<ac:structured-macro ac:name="details"><ac:parameter ac:name="hidden">true</ac:parameter><ac:rich-text-body><p>unseen</p></ac:rich-text-body></ac:structured-macro><p>seen</p>"#;

    assert_eq!(blocks(details), vec![paragraph("seen")]);
}

#[test]
fn images_give_their_words() {
    let text = r#"<p><ac:image ac:alt="Floor plan" ac:height="250"><ri:attachment ri:filename="a.png"/></ac:image> <ac:image><ri:attachment ri:filename="seats.png"/></ac:image></p><ac:image><ri:url ri:value="https://x/y.png"/><ac:caption><p>The desk</p></ac:caption></ac:image>"#;

    assert_eq!(blocks(text), vec![paragraph("[image: Floor plan] [image: seats.png]"), paragraph("The desk")]);
}

#[test]
fn status_issues_dates_and_files_are_words() {
    let status = r#"<p>Plan <ac:structured-macro ac:name="status"><ac:parameter ac:name="colour">Green</ac:parameter><ac:parameter ac:name="title">DONE</ac:parameter></ac:structured-macro> by <time datetime="2026-11-30"/> <ac:structured-macro ac:name="jira"><ac:parameter ac:name="server">J</ac:parameter><ac:parameter ac:name="key">ACME-7</ac:parameter></ac:structured-macro></p>"#;
    let file = r#"<p><ac:structured-macro ac:name="view-file"><ac:parameter ac:name="name"><ri:attachment ri:filename="plan.pdf"/></ac:parameter><ac:parameter ac:name="height">250</ac:parameter></ac:structured-macro></p>"#;

    assert_eq!(line(status), "Plan [DONE] by 2026-11-30 ACME-7");
    assert_eq!(line(file), "(file: plan.pdf)");
}

#[test]
fn a_table_of_properties_and_one_with_columns_are_told_apart() {
    let text = r#"<ac:structured-macro ac:name="details"><ac:parameter ac:name="id">x</ac:parameter><ac:rich-text-body><table><tbody><tr><th>Owner</th><td>Ana</td></tr><tr><th>Due</th><td>May</td></tr></tbody></table></ac:rich-text-body></ac:structured-macro>
        <table><colgroup><col/></colgroup><tbody><tr><th>Name</th><th><p>Role</p></th></tr><tr><td>Bo</td><td><ul><li>QA</li><li>Docs</li></ul></td></tr></tbody></table>"#;

    let table = Block::Table {
        header: vec!["Name".to_owned(), "Role".to_owned()],
        rows: vec![vec!["Bo".to_owned(), "QA, Docs".to_owned()]],
    };
    assert_eq!(blocks(text), vec![item(None, "Owner: Ana"), item(None, "Due: May"), table]);
}

#[test]
fn layouts_are_read_cell_by_cell() {
    let text = "<ac:layout><ac:layout-section ac:type=\"two_equal\"><ac:layout-cell><p>left</p></ac:layout-cell><ac:layout-cell>right</ac:layout-cell></ac:layout-section></ac:layout>";

    assert_eq!(blocks(text), vec![paragraph("left"), paragraph("right")]);
}

#[test]
fn a_panel_of_the_new_editor_is_read_once() {
    let text = r#"<ac:adf-extension><ac:adf-node type="panel"><ac:adf-attribute key="panel-type">note</ac:adf-attribute><ac:adf-content><p>Once.</p></ac:adf-content></ac:adf-node><ac:adf-fallback><div><p>Once.</p></div></ac:adf-fallback></ac:adf-extension>"#;

    assert_eq!(blocks(text), vec![paragraph("Once.")]);
}

#[test]
fn declared_entities_are_not_expanded() {
    let text = "<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;&a;\">]><p>x&b;y</p>";

    assert!(!format!("{:?}", blocks(text)).contains("aaaa"));
}

#[test]
fn unbalanced_markup_keeps_what_can_be_read() {
    let text = "<p>one <b>two</p></i></div><p>three < four &amp five <ac:structured-macro ac:name=\"info\"><ac:rich-text-body><p>six";

    let said = format!("{:?}", blocks(text));

    for word in ["one", "two", "three", "five", "six"] {
        assert!(said.contains(word), "{word}: {said}");
    }
}

#[test]
fn hostile_pages_cost_no_more_than_their_length() {
    let deep = format!("{}deep", "<div><ul><li>".repeat(40_000));
    let ends = format!("{}{}x", "<b>".repeat(400), "</i>".repeat(200_000));
    let cut = "<a ".repeat(150_000);
    let quotes = "<p a=\"".repeat(60_000);
    let attribute = format!("<p title=\"{}\">kept</p>", "x".repeat(2_000_000));
    let tables = "<table><tr><td>".repeat(20_000);
    let began = worked();

    for text in [&deep, &ends, &cut, &quotes, &attribute, &tables] {
        blocks(text);
    }

    let took = worked() - began;
    assert!(took < Duration::from_secs(10), "{took:?}");
    assert_eq!(blocks(&attribute), vec![paragraph("kept")]);
}

#[test]
fn text_between_damaged_places_is_not_lost() {
    assert!(format!("{:?}", blocks(&format!("{}<p>end</p>", "< x <".repeat(500)))).contains("end"));
}

// ── The table of `confluence.md` §3, line by line, where nothing above says it ──────────────────────────────────────────

#[test]
fn lists_are_nested_and_numbered_and_quotations_and_rules_stand_alone() {
    let text = "<ol start=\"3\"><li>one<ul><li>deep</li></ul></li><li>two</li></ol><blockquote><p>said</p></blockquote><hr/><pre>a\n  b</pre>";

    let numbered =
        |number, text: &str| Block::Item { depth: 0, number: Some(number), done: None, text: text.to_owned() };
    let deep = Block::Item { depth: 1, number: None, done: None, text: "deep".to_owned() };
    let code = Block::Code { language: None, text: "a\n  b".to_owned() };
    let quote = Block::Quote { text: "said".to_owned() };
    assert_eq!(blocks(text), [numbered(3, "one"), deep, numbered(4, "two"), quote, code]);
}

#[test]
fn cells_that_span_are_repeated_and_a_table_in_a_cell_is_one_line_of_it() {
    let text = "<table><tbody><tr><th>Name</th><th>Room</th><th>Floor</th></tr>\
        <tr><td rowspan=\"2\">Bo</td><td colspan=\"2\">none</td></tr>\
        <tr><td>7</td><td><table><tbody><tr><td>1</td><td>east</td></tr></tbody></table></td></tr></tbody></table>";

    let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
    let rows = vec![row(["Bo", "none", "none"]), row(["Bo", "7", "1, east"])];
    assert_eq!(blocks(text), [Block::Table { header: row(["Name", "Room", "Floor"]), rows }]);
}

#[test]
fn a_table_is_headed_by_its_first_column_too() {
    let text =
        "<table><tbody><tr><th>Owner</th><td>Ana</td></tr><tr><th>Rooms</th><td>1</td><td>2</td></tr></tbody></table>";

    let said = format!("{:?}", blocks(text));

    for word in ["Owner", "Ana", "Rooms", "1", "2"] {
        assert!(said.contains(word), "{word}: {said}");
    }
}

#[test]
fn unformatted_text_and_the_sources_of_drawings_and_formulas_are_code() {
    let plain = |name: &str, text: &str| {
        format!(
            "<ac:structured-macro ac:name=\"{name}\"><ac:plain-text-body><![CDATA[{text}]]></ac:plain-text-body></ac:structured-macro>"
        )
    };
    let code = |language: Option<&str>, text: &str| Block::Code {
        language: language.map(str::to_owned),
        text: text.to_owned(),
    };

    assert_eq!(blocks(&plain("noformat", "a  b")), [code(None, "a  b")]);
    for name in ["plantuml", "mermaid", "mathblock", "latex"] {
        assert_eq!(blocks(&plain(name, "A -> B")), [code(Some(name), "A -> B")], "{name}");
    }
}

#[test]
fn what_encloses_words_keeps_them_with_its_title() {
    for name in ["panel", "expand", "auimessage", "alert", "ui-expand", "ui-tab", "ui-panel"] {
        let text = macro_of(name, &[("title", "More"), ("type", "info")], "<p>Inside.</p>");
        assert_eq!(blocks(&text), ["More", "Inside."].map(paragraph), "{name}");
    }
    for name in ["section", "column", "toc-zone", "ui-tabs", "excerpt", "div"] {
        let text = macro_of(name, &[("border", "true"), ("width", "30%")], "<p>Inside.</p>");
        assert_eq!(blocks(&text), [paragraph("Inside.")], "{name}");
    }
}

#[test]
fn nothing_is_left_of_what_shows_other_pages() {
    for name in [
        "toc",
        "anchor",
        "children",
        "pagetree",
        "recently-updated",
        "livesearch",
        "contributors",
        "contentbylabel",
        "gallery",
        "attachments",
        "blog-posts",
        "pagetreesearch",
    ] {
        let text =
            format!("<p>Words.</p>{}", macro_of(name, &[("labels", "x"), ("title", "y"), ("", "z")], "<p>shown</p>"));
        assert_eq!(blocks(&text), [paragraph("Words.")], "{name}");
    }
}

#[test]
fn issues_by_query_drawings_and_addresses_are_named() {
    let named = |name: &str, parameters: &[(&str, &str)]| line(&format!("<p>{}</p>", macro_of(name, parameters, "")));

    assert_eq!(named("jira", &[("jqlQuery", "project = X"), ("columns", "key")]), "JQL: project = X");
    assert_eq!(named("drawio", &[("diagramName", "network.drawio"), ("width", "500")]), "(diagram: network.drawio)");
    assert_eq!(named("gliffy", &[("name", "rack"), ("size", "L")]), "(diagram: rack)");
    assert_eq!(named("lucidchart", &[("name", "flow")]), "(diagram: flow)");
    assert_eq!(
        named("widget", &[("url", "https://video.example/1"), ("width", "3")]),
        "(link: https://video.example/1)"
    );
    assert_eq!(named("iframe", &[("src", "https://map.example")]), "(link: https://map.example)");
    assert_eq!(named("viewpdf", &[("name", "<ri:attachment ri:filename=\"plan.pdf\"/>")]), "(file: plan.pdf)");
    assert_eq!(named("profile", &[("user", "<ri:user ri:userkey=\"4028\"/>")]), "@Ana Ruiz");
}

#[test]
fn links_of_every_kind_say_their_words_or_their_target() {
    for (link, words) in [
        ("<ri:blog-post ri:content-title=\"News\" ri:posting-day=\"2026/01/02\"/>", "News"),
        ("<ri:attachment ri:filename=\"plan.pdf\"/>", "plan.pdf"),
        ("<ri:space ri:space-key=\"HR\"/>", "HR"),
        ("<ri:url ri:value=\"https://x.example\"/>", "https://x.example"),
        ("<ri:content-entity ri:content-id=\"17\"/><ac:link-body>the <em>rota</em></ac:link-body>", "the rota"),
        ("<ri:user ri:account-id=\"gone\"/>", "@unknown user"),
    ] {
        assert_eq!(line(&format!("<p><ac:link>{link}</ac:link></p>")), words);
    }
    assert_eq!(line("<p><ac:link ac:anchor=\"top\"></ac:link></p>"), "top");
}

#[test]
fn signs_dates_prompts_and_marked_words() {
    let text = "<p><ac:emoticon ac:name=\"tick\"/> <ac:emoticon ac:name=\"blue-star\" ac:emoji-fallback=\"\u{1f600}\"/> \
        <ac:placeholder>type here</ac:placeholder><ac:inline-comment-marker ac:ref=\"r\">kept</ac:inline-comment-marker> \
        <span class=\"date-lozenge\">3 May</span></p>";

    assert_eq!(line(text), ":tick: \u{1f600} kept 3 May");
}

#[test]
fn what_stands_in_for_an_element_is_read_where_the_element_has_no_content() {
    let text = "<ac:adf-extension><ac:adf-node type=\"decision-list\"><ac:adf-attribute key=\"x\">y</ac:adf-attribute></ac:adf-node>\
        <ac:adf-fallback><p>We go.</p></ac:adf-fallback></ac:adf-extension><p>After.</p>";

    assert_eq!(blocks(text), ["We go.", "After."].map(paragraph));
}

#[test]
fn a_document_of_the_new_editor_is_read_node_by_node() {
    let text = serde_json::json!({"type": "doc", "version": 1, "content": [
        {"type": "heading", "attrs": {"level": 2}, "content": [{"type": "text", "text": "Leave"}]},
        {"type": "paragraph", "content": [
            {"type": "text", "text": "Ask "}, {"type": "mention", "attrs": {"id": "4028", "text": "@old name"}},
            {"type": "text", "text": " or "}, {"type": "mention", "attrs": {"id": "gone", "text": "@Bo"}},
            {"type": "text", "text": " by "}, {"type": "date", "attrs": {"timestamp": "1772323200000"}},
            {"type": "text", "text": " "}, {"type": "emoji", "attrs": {"shortName": ":tick:", "text": "\u{2705}"}},
            {"type": "text", "text": " "}, {"type": "status", "attrs": {"text": "DONE", "color": "green"}},
            {"type": "hardBreak"}, {"type": "text", "text": "there", "marks": [{"type": "link", "attrs": {"href": "https://x.example"}}]}]},
        {"type": "panel", "attrs": {"panelType": "warning"}, "content": [{"type": "paragraph", "content": [{"type": "text", "text": "Hot."}]}]},
        {"type": "expand", "attrs": {"title": "More"}, "content": [{"type": "paragraph", "content": [{"type": "text", "text": "Inside."}]}]},
        {"type": "taskList", "content": [{"type": "taskItem", "attrs": {"state": "DONE"}, "content": [{"type": "text", "text": "Badge"}]}]},
        {"type": "orderedList", "attrs": {"order": 3}, "content": [{"type": "listItem", "content": [{"type": "paragraph", "content": [{"type": "text", "text": "three"}]}]}]},
        {"type": "codeBlock", "attrs": {"language": "rust"}, "content": [{"type": "text", "text": "fn a() {}"}]},
        {"type": "table", "content": [
            {"type": "tableRow", "content": [
                {"type": "tableHeader", "content": [{"type": "paragraph", "content": [{"type": "text", "text": "Name"}]}]},
                {"type": "tableHeader", "content": [{"type": "paragraph", "content": [{"type": "text", "text": "Room"}]}]}]},
            {"type": "tableRow", "content": [
                {"type": "tableCell", "attrs": {"colspan": 2}, "content": [{"type": "paragraph", "content": [{"type": "text", "text": "Bo"}]}]}]}]},
        {"type": "mediaSingle", "content": [{"type": "media", "attrs": {"alt": "Plan"}}]},
        {"type": "layoutSection", "content": [{"type": "layoutColumn", "content": [{"type": "paragraph", "content": [{"type": "text", "text": "left"}]}]}]},
        {"type": "paragraph", "content": [{"type": "inlineCard", "attrs": {"url": "https://y.example"}}]},
        {"type": "extension", "attrs": {"extensionKey": "children", "parameters": {"macroParams": {"title": {"value": "unseen"}}}}},
        {"type": "extension", "attrs": {"extensionKey": "include", "parameters": {"macroParams": {"": {"value": "Team"}}}}},
        {"type": "bodiedExtension", "attrs": {"extensionKey": "details", "parameters": {"macroParams": {"hidden": {"value": "true"}}}},
         "content": [{"type": "paragraph", "content": [{"type": "text", "text": "hidden"}]}]}
    ]});

    let Read { blocks, links } = read_document(&text.to_string(), &names).unwrap();

    let numbered = Block::Item { depth: 0, number: Some(3), done: None, text: "three".to_owned() };
    let row = |cells: [&str; 2]| cells.map(str::to_owned).to_vec();
    assert_eq!(
        blocks,
        [
            Block::Heading { level: 2, text: "Leave".to_owned() },
            paragraph("Ask @Ana Ruiz or @Bo by 2026-03-01 \u{2705} [DONE]\nthere"),
            paragraph("Warning:"),
            paragraph("Hot."),
            paragraph("More"),
            paragraph("Inside."),
            item(Some(true), "Badge"),
            numbered,
            Block::Code { language: Some("rust".to_owned()), text: "fn a() {}".to_owned() },
            Block::Table { header: row(["Name", "Room"]), rows: vec![row(["Bo", "Bo"])] },
            paragraph("[image: Plan]"),
            paragraph("left"),
            paragraph("https://y.example"),
            paragraph("(includes page: Team)"),
        ]
    );
    let address = |url: &str| Link::Address(url.to_owned());
    assert_eq!(links, [address("https://x.example"), address("https://y.example")]);
    assert_eq!(read_document("{\"type\": \"rss\"}", &names), None);
    assert_eq!(read_document(&"[".repeat(100_000), &names), None);
}

#[test]
fn of_a_page_as_it_is_shown_nothing_is_read_that_a_macro_brought_from_elsewhere() {
    let text = "<h2>Leave</h2><p>28 days.<br>Ask <a href=\"https://x.example\">there</a>.</p>\
        <div class=\"panel conf-macro output-block\" data-hasbody=\"true\" data-macro-name=\"info\"><p>Own words.</p></div>\
        <div class=\"conf-macro output-block\" data-hasbody=\"false\" data-macro-name=\"include\"><p>Another page's.</p></div>\
        <div class=\"conf-macro output-block\" data-hasbody=\"true\" data-macro-name=\"excerpt-include\"><p>Another page's.</p></div>\
        <div class=\"conf-macro\"><p>Of whatever.</p></div><ul class=\"conf-macro\" data-hasbody=\"false\" data-macro-name=\"children\"><li>A title</li></ul><p>End.</p>";

    let Read { blocks, links } = read_view(text);

    let heading = Block::Heading { level: 2, text: "Leave".to_owned() };
    let words = [paragraph("28 days.\nAsk there."), paragraph("Own words."), paragraph("End.")];
    assert_eq!(blocks, [&[heading][..], &words].concat());
    assert_eq!(links, [Link::Address("https://x.example".to_owned())]);
}
