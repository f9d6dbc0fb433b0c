//! An honest response, mutilated at random by its elements: removed, doubled, moved, put into each other, renamed, with other words
//! in their places. Whatever comes of it, nobody comes in but whom the provider signed for.

use super::idp::*;
use crate::sso::Error;

/// A sequence that is the same for the same seed (xorshift, Marsaglia 2003).
pub struct Dice(u64);

impl Dice {
    pub fn of(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(end.max(1)).unwrap()).unwrap()
    }
}

/// How many cases: SOTTO_CASES asks for more at night.
#[expect(clippy::disallowed_methods, reason = "a nightly run asks for more cases")]
pub fn cases(usual: u64) -> u64 {
    std::env::var("SOTTO_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// Where each element begins and ends.
fn elements(xml: &str) -> Vec<(usize, usize)> {
    let (mut open, mut found) = (Vec::new(), Vec::new());
    let mut at = 0;
    while let Some(begin) = xml[at..].find('<').map(|from| at + from) {
        let Some(end) = xml[begin..].find('>').map(|to| begin + to + 1) else { break };
        let tag = &xml[begin..end];
        if tag.starts_with("</") {
            if let Some(from) = open.pop() {
                found.push((from, end));
            }
        } else if tag.ends_with("/>") {
            found.push((begin, end));
        } else if !tag.starts_with("<!") && !tag.starts_with("<?") {
            open.push(begin);
        }
        at = end;
    }
    found
}

const WORDS: [&str; 14] = [
    "u-666",
    "u-17",
    "",
    " ",
    "<!--x-->",
    "<?x?>",
    "<![CDATA[u-666]]>",
    "&amp;",
    "&#x75;-666",
    "_evil",
    "2.0",
    "http://www.w3.org/2001/10/xml-exc-c14n#WithComments",
    "http://www.w3.org/2000/09/xmldsig#sha1",
    "\u{202e}",
];

fn mutilated(xml: &str, dice: &mut Dice) -> String {
    let all = elements(xml);
    if all.is_empty() {
        return xml.to_owned();
    }
    let (from, to) = all[dice.below(all.len())];
    let (other, other_end) = all[dice.below(all.len())];
    let element = xml[from..to].to_owned();
    let evil = element.replace("u-17", "u-666");
    match dice.below(9) {
        // Removed.
        0 => format!("{}{}", &xml[..from], &xml[to..]),
        // Doubled, the first or the second of them another's.
        1 => format!("{}{evil}{element}{}", &xml[..from], &xml[to..]),
        2 => format!("{}{element}{evil}{}", &xml[..from], &xml[to..]),
        // Put before or into another.
        3 => format!("{}{element}{}", &xml[..other], &xml[other..]),
        4 => {
            let inside = xml[other..other_end].find('>').map_or(other_end, |end| other + end + 1);
            format!("{}{evil}{}", &xml[..inside], &xml[inside..])
        }
        // Another's in its place.
        5 => format!("{}{}{}", &xml[..from], &xml[other..other_end], &xml[to..]),
        // Other words in a text or a value.
        6 => {
            let places: Vec<usize> = element
                .char_indices()
                .filter(|(_, sign)| matches!(sign, '>' | '"'))
                .map(|(at, _)| from + at + 1)
                .collect();
            let begin = places[dice.below(places.len())];
            let end = xml[begin..].find(['<', '"', '>']).map_or(begin, |end| begin + end);
            format!("{}{}{}", &xml[..begin], WORDS[dice.below(WORDS.len())], &xml[end..])
        }
        // Of another namespace, or with other names of it.
        7 => xml.replacen("saml:", ["samlp:", "x:", ""][dice.below(3)], 1 + dice.below(40)),
        // Words added in the middle of something.
        _ => {
            let signs: Vec<usize> = xml.char_indices().map(|(at, _)| at).collect();
            let at = signs[dice.below(signs.len())];
            format!("{}{}{}", &xml[..at], WORDS[dice.below(WORDS.len())], &xml[at..])
        }
    }
}

#[test]
fn however_a_response_is_mutilated_nobody_comes_in_but_whom_the_provider_signed_for() {
    let house = House::new();
    let mut pending = house.begin();
    let mut good = honest(&pending);
    let (mut taken, mut refused) = (0, std::collections::BTreeMap::new());
    for seed in 0..cases(400) {
        let mut dice = Dice::of(seed + 1);
        let mut xml = good.clone();
        for _ in 0..1 + dice.below(4) {
            xml = mutilated(&xml, &mut dice);
        }
        match house.accept(&xml, &pending) {
            Ok(login) => {
                assert_eq!((login.subject.as_str(), login.called.as_str()), ("u-17", "u-17"), "seed {seed}: {xml}");
                taken += 1;
                // It was used; the next one is of another sign-in.
                pending = house.begin();
                good = honest(&pending);
            }
            Err(Error::Refused(refusal)) => *refused.entry(refusal.code).or_insert(0) += 1,
            Err(Error::Store(error)) => panic!("seed {seed}: {error}"),
        }
    }
    eprintln!("{taken} taken, all of them for the right person; refused: {refused:?}");
    assert!(refused.len() > 5, "many kinds of harm were done: {refused:?}");
    assert_eq!(house.refusal(&honest(&pending), &pending), "accepted", "the honest one beside them");
}
