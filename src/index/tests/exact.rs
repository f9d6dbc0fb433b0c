//! What has a name is found by that very name, before pages that have its parts.

use super::*;

/// For each name a page that has it and pages that have its parts, more often and in better places.
fn pages_of(name: &str, parts: &[&str]) -> Vec<Page> {
    let apart = parts.join(" and ");
    let mut pages =
        vec![page("right", "staff", "Notes of the week", &format!("On Monday somebody ran into {name} again."))];
    pages.push(page("parts", "staff", &format!("About {apart}"), &format!("All of {apart}. ").repeat(5)));
    for (n, part) in parts.iter().enumerate() {
        let title = format!("A guide to {part}");
        pages.push(page(&format!("part{n}"), "staff", &title, &format!("This is {part}. More of {part}: {part}.")));
    }
    pages
}

#[test]
fn a_name_comes_before_its_parts() {
    let names: [(&str, &[&str]); 16] = [
        ("kubectl-drain-node", &["kubectl", "drain", "node"]),
        ("ERR_CONN_RESET", &["err", "conn", "reset"]),
        ("Foo::bar()", &["foo", "bar"]),
        ("v2.3.1", &["v2", "2.3", "3.1"]),
        ("/etc/hosts", &["etc", "hosts"]),
        ("ada.lovelace@example.com", &["ada", "lovelace", "example", "com"]),
        ("OPS-123", &["ops", "123"]),
        ("user_name", &["user", "name"]),
        ("net.ipv4.ip_forward", &["net", "ipv4", "ip", "forward"]),
        ("--dry-run", &["dry", "run"]),
        ("C++", &["C"]),
        ("10.0.0.12", &["10", "0", "12"]),
        ("https://git.example.com/tools", &["https", "git", "example", "com", "tools"]),
        ("@ops-team", &["ops", "team"]),
        ("x86_64-unknown-linux-gnu", &["x86", "64", "unknown", "linux", "gnu"]),
        ("HTTP/2", &["http", "2"]),
    ];
    for (name, parts) in names {
        let world = World::with(&pages_of(name, parts));
        let as_code = format!("`{name}`");
        let asked = format!("What does {name} mean?");
        let in_a_sentence = format!("why do we see ({name}), again");
        for query in [name, &name.to_lowercase(), &as_code, &asked, &in_a_sentence] {
            assert_eq!(world.finds(&["staff"], query).first().map(String::as_str), Some("right"), "{query}");
        }
    }
}

#[test]
fn a_name_is_found_in_whatever_marks_it_is_written() {
    for written in
        ["`OPS-123`", "(OPS-123)", "\"OPS-123\".", "[OPS-123]:", "OPS-123,", "ops-123", "**OPS-123**", "<OPS-123>"]
    {
        let world = World::with(&pages_of(written, &["ops", "123"]));

        assert_eq!(world.finds(&["staff"], "OPS-123")[0], "right", "{written}");
    }
}

#[test]
fn an_acronym_comes_before_the_word_that_is_written_like_it() {
    let world = World::with(&[
        page("pto", "staff", "Time away", "PTO is asked for two weeks ahead."),
        page("pta", "staff", "PTA", "The PTA meets on Mondays. Members of the PTA bring cake."),
        page("it", "staff", "Desk", "The IT desk helps with laptops."),
        page("poem", "staff", "It", "It was late and it was dark, and it rained on it."),
        page("us", "staff", "Offices", "The US office opens at nine."),
        page("we", "staff", "About us", "Tell us what you think of us, and write to us."),
    ]);

    assert_eq!(world.finds(&["staff"], "PTO")[0], "pto");
    assert_eq!(world.finds(&["staff"], "IT")[0], "it");
    assert_eq!(world.finds(&["staff"], "who do I call at IT?")[0], "it");
    assert_eq!(world.finds(&["staff"], "US office")[0], "us");
}

#[test]
fn a_page_is_found_first_by_its_whole_title() {
    let titles =
        ["Leave", "Parental leave", "Parental leave in Germany", "Leave the building", "Sick leave", "On-call", "Call"];
    let text =
        "Leave and parental leave and sick leave are asked for in Germany before one leaves the building on call.";
    let page_of = |(n, title): (usize, &&str)| page(&format!("p{n}"), "staff", title, &format!("{text} {n}"));
    let world = World::with(&titles.iter().enumerate().map(page_of).collect::<Vec<_>>());

    for (n, title) in titles.iter().enumerate() {
        assert_eq!(world.finds(&["staff"], title)[0], format!("p{n}"), "{title}");
        assert_eq!(world.finds(&["staff"], &title.to_uppercase())[0], format!("p{n}"), "{title} in capitals");
    }
}
