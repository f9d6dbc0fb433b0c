//! The settings file is the manual: these tests hold the two together.

use super::*;

/// The shipped file with every commented setting switched on.
fn shipped_switched_on() -> String {
    let shipped = include_str!("../../config/sotto.toml");
    let is_setting = |line: &str| {
        line.split_once(" = ").is_some_and(|(key, _)| {
            !key.is_empty() && key.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        })
    };
    shipped
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(rest) if is_setting(rest) => rest,
            Some(_) | None => line,
        })
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn the_shipped_file_shows_every_default_as_it_is() {
    let shipped = Settings::parse(&shipped_switched_on()).unwrap();

    assert_eq!(toml::to_string(&shipped).unwrap(), toml::to_string(&Settings::default()).unwrap());
}

#[test]
fn the_shipped_file_changes_nothing_as_it_stands() {
    let shipped = Settings::parse(include_str!("../../config/sotto.toml")).unwrap();

    assert_eq!(toml::to_string(&shipped).unwrap(), toml::to_string(&Settings::default()).unwrap());
}

#[test]
fn a_misspelt_key_is_refused_with_the_nearest_one() {
    let error = Settings::parse("[session]\nidle_minuts = 5\n").unwrap_err();

    assert_eq!(format!("{error:#}"), "session.idle_minuts is no setting; did you mean session.idle_minutes?");
}

#[test]
fn a_misspelt_section_is_refused_with_the_nearest_one() {
    let error = Settings::parse("[sesion]\nidle_minutes = 5\n").unwrap_err();

    assert_eq!(format!("{error:#}"), "sesion is no setting; did you mean session?");
}

#[test]
fn a_value_of_the_wrong_kind_is_refused_with_its_place() {
    let error = Settings::parse("[session]\nidle_minutes = \"soon\"\n").unwrap_err();

    assert!(format!("{error:#}").starts_with("session.idle_minutes: invalid type"), "{error:#}");
}

#[test]
fn a_share_that_is_none_is_refused_with_its_place() {
    for key in ["gate", "doubt", "judge", "judge_in_doubt"] {
        let error = Settings::parse(&format!("[answer]\n{key} = 60\n")).unwrap_err();

        assert_eq!(format!("{error:#}"), format!("answer.{key}: it is a share, 0 to 1"));
    }
}

#[test]
fn the_environment_goes_before_the_file_and_both_are_told_apart() {
    let variables = [("SOTTO__SESSION__IDLE_MINUTES", "7"), ("HOME", "/root")];
    let environment =
        origin::environment(variables.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))).unwrap();

    let (settings, shown) = Settings::compose("[session]\nidle_minutes = 5\nage_hours = 3\n", environment).unwrap();

    assert_eq!((settings.session.idle_minutes, settings.session.age_hours), (7, 3));
    let origin_of = |key: &str| shown.iter().find(|shown| shown.key == key).map(|shown| shown.origin);
    assert_eq!(origin_of("session.idle_minutes"), Some(Origin::Environment));
    assert_eq!(origin_of("session.age_hours"), Some(Origin::File));
    assert_eq!(origin_of("data.folder"), Some(Origin::Default));
}

#[test]
fn a_variable_that_is_no_setting_is_refused() {
    let variables = [("SOTTO__DATA".to_owned(), "/srv".to_owned())];

    assert!(origin::environment(variables.into_iter()).is_err());
}

#[test]
fn several_applications_are_read_as_a_list_and_what_the_file_sets_of_each_is_known() {
    let text = "[[application]]\nid = \"hr\"\ntitle = \"HR\"\n[[application]]\ntitle = \"Ask\"\npeople = [\"mary\"]\n";

    let (settings, shown) = Settings::compose(text, Vec::new()).unwrap();

    let all: Vec<_> = settings.application.all().map(|one| (one.id.as_str(), one.title.as_str())).collect();
    assert_eq!(all, [("default", "Ask"), ("hr", "HR")]);
    let locked: Vec<Vec<&String>> = settings.application.all().map(|one| one.written.keys().collect()).collect();
    assert_eq!(locked, [["people", "title"], ["id", "title"]]);
    let origin_of = |key: &str| shown.iter().find(|shown| shown.key == key).map(|shown| shown.origin);
    assert_eq!(origin_of("application[0].title"), Some(Origin::File));
    assert_eq!(origin_of("application[1].people"), Some(Origin::File));
    assert_eq!(origin_of("application[1].tone"), Some(Origin::Default));
}

#[test]
fn a_misspelt_key_of_one_of_several_applications_is_refused_with_the_nearest_one() {
    let error = Settings::parse("[[application]]\ntitle = \"Ask\"\n[[application]]\ntitel = \"HR\"\n").unwrap_err();

    let said = format!("{error:#}");
    assert_eq!(said, "application[1].titel is no setting; did you mean application[1].title?");
}

#[test]
fn what_the_environment_sets_of_the_application_is_known_to_be_its() {
    let environment = vec![(vec!["application".to_owned(), "title".to_owned()], toml::Value::from("Ask"))];

    let (settings, _) = Settings::compose("[application]\nwelcome = \"Hello.\"\n", environment).unwrap();

    let written = &settings.application.written;
    let locked = |key: &str| written.get(key).copied();
    assert_eq!(locked("title"), Some(application::Locked::Environment));
    assert_eq!(locked("welcome"), Some(application::Locked::File));
    assert_eq!(locked("tone"), None);
}

#[test]
fn a_sender_of_scim_has_a_short_word_for_its_name_and_habits_of_its_own() {
    let read = |name: &str, more: &str| {
        Settings::parse(&format!("[[scim]]\nname = {name:?}\ntoken_file = \"/etc/sotto/scim.token\"\n{more}"))
    };

    let refused = format!("{:#}", read("Entra ID", "").unwrap_err());
    assert!(refused.contains("scim[0].name") && refused.contains("lower-case"), "{refused}");
    let entra = read("entra", "etags = false\n").unwrap().scim.remove(0);
    assert_eq!((entra.etags, entra.requests_per_minute), (false, 30_000));
    assert!(entra.written.contains("etags") && !entra.written.contains("requests_per_minute"));
}
