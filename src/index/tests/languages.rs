//! Pages in other languages than English: found by other forms of their words, and not felt by who cannot see them.

use super::*;

const URLAUB: &str = "Alle Mitarbeiterinnen und Mitarbeiter haben im Jahr dreißig Urlaubstage. Der Antrag wird spätestens \
    zwei Wochen vor dem Beginn bei der Führungskraft gestellt. Nicht genommene Tage verfallen am Ende des folgenden Jahres.";
const FRAIS: &str = "Les salariés sont remboursés de leurs frais de déplacement après le retour. La demande est adressée au \
    responsable avec les justificatifs dans les deux semaines. L'entreprise ne rembourse pas les amendes.";
const GASTOS: &str = "Los gastos de los viajes se reembolsan después del regreso. La solicitud se presenta al responsable con \
    los justificantes en las dos semanas siguientes. La empresa no paga las multas de los conductores.";
const TRAVEL: &str = "Travelling employees are paid their expenses after the trip. The request goes to the manager with the \
    receipts within two weeks. The company does not pay any fines that a driver has to pay.";

fn pages() -> Vec<Page> {
    vec![
        page("de", "berlin", "Urlaub", URLAUB),
        page("fr", "paris", "Frais", FRAIS),
        page("es", "madrid", "Gastos", GASTOS),
        page("en", "staff", "Travel", TRAVEL),
        page(
            "guide",
            "staff",
            "Travel guide",
            "The guide to each of the company's offices, with the ways that lead there.",
        ),
    ]
}

#[test]
fn a_page_is_found_by_another_form_of_its_words_in_its_own_language() {
    let world = World::with(&pages());
    let all = ["staff", "berlin", "paris", "madrid"];

    for (words, wanted) in [
        ("Urlaubstag", "de"),
        ("Antr\u{e4}ge stellen", "de"),
        ("welche Führungskräfte", "de"),
        ("rembourser un déplacement", "fr"),
        ("entreprises", "fr"),
        ("reembolso de un gasto", "es"),
        ("la solicitudes", "es"),
        ("expense of travels", "en"),
    ] {
        assert_eq!(world.finds(&all, words).first().map(String::as_str), Some(wanted), "{words}");
    }
    assert_eq!(world.finds(&["berlin"], "Urlaubstag"), ["de"]);
    assert_eq!(world.finds(&["staff"], "Urlaubstag"), Vec::<String>::new());
}

#[test]
fn a_word_is_not_taken_for_another_languages() {
    // The German page is full of "die" and "war"; the French for bread is no pain.
    let german = "Die Nacht war lang, und die Tage waren kurz, aber wer da war, der war auch am nächsten Morgen noch da und \
        hat die Arbeit gemacht, die zu machen war, und die Schicht an die nächsten übergeben, die dann gekommen sind.";
    let world = World::with(&[
        page("nacht", "staff", "Nacht", german),
        page(
            "die",
            "staff",
            "Dies and moulds",
            "A die is cut from steel. The press is stopped before the die is changed.",
        ),
    ]);

    assert_eq!(world.finds(&["staff"], "dies")[0], "die");
    assert_eq!(world.finds(&["staff"], "dies").len(), 1);
}

#[test]
fn a_page_that_is_called_what_is_asked_for_comes_first_beside_pages_in_other_languages() {
    let world = World::with(&pages());

    assert_eq!(world.finds(&["staff", "berlin", "paris"], "the travel guide")[0], "guide");
    assert_eq!(world.finds(&["staff", "berlin", "paris"], "der Urlaub")[0], "de");
}

#[test]
fn who_sees_no_other_language_is_searched_for_in_english_alone() {
    let scores = |world: &World| {
        let query = Query { words: "the expenses of a travelling guide: Urlaubstage".into(), vector: None };
        let found = world.index.search(&world.sight(&["staff"]), &query, &Scope::default(), 9).unwrap();
        found.iter().map(|found| (found.head().title.clone(), found.score().to_bits())).collect::<Vec<_>>()
    };

    let english: Vec<Page> = pages().into_iter().filter(|page| page.group == "staff").collect();

    assert_eq!(scores(&World::with(&english)), scores(&World::with(&pages())));
    assert_eq!(scores(&World::with(&english)).len(), 2);
}

#[test]
fn a_new_class_and_a_late_vector_leave_the_language_as_it_is() {
    let world = World::new();
    let document = pages()[0].document();
    let passages = cut(&document, Sizes::default());
    world.change(Change::Replace(&document, world.class("berlin"), &passages, None));
    world.commit();

    world.change(Change::Reclass(&document.id, world.class("vienna")));
    world.commit();
    assert_eq!(world.finds(&["vienna"], "Urlaubstag"), ["de"]);

    world.change(Change::Vectors(&[(passages[0].id.clone(), vector_of("leave"))]));
    world.commit();
    assert_eq!(world.finds(&["vienna"], "Urlaubstag"), ["de"]);
    assert_eq!(world.index.without_vectors(9).unwrap(), []);
}
