//! A subset of the Confluence Query Language: comparisons by `and`, `or`, `not` and brackets, and `order by`.
//!
//! Fields: `space`, `type`, `id`, `title`, `label`, `parent`, `ancestor`, `container`, `creator`, `created`, `lastmodified`.

use super::site::{Content, Kind, Site};
use crate::clock::Moment;

const MINUTE_MS: i64 = 60_000;
/// The deepest nesting of brackets and `not`.
const DEPTH_MAX: usize = 32;

/// A parsed query.
#[derive(Debug)]
pub(super) struct Query {
    condition: Condition,
    order: Vec<(Field, bool)>,
}

#[derive(Debug)]
enum Condition {
    And(Vec<Condition>),
    Or(Vec<Condition>),
    Not(Box<Condition>),
    Is(Field, Comparison, Vec<String>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Space,
    Type,
    Id,
    Title,
    Label,
    Parent,
    Ancestor,
    Container,
    Creator,
    Created,
    LastModified,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    In,
    NotIn,
    Contains,
    Less,
    LessOrEqual,
    More,
    MoreOrEqual,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    Quoted(String),
    Sign(&'static str),
}

impl Query {
    /// Reads a query; the error says where it stopped making sense.
    pub fn parse(text: &str) -> Result<Query, String> {
        let mut parser = Parser { tokens: tokens(text)?, at: 0 };
        if parser.tokens.is_empty() {
            return Err("the query is empty".to_owned());
        }
        let condition = if parser.is_word("order") { Condition::And(Vec::new()) } else { parser.any_of(0)? };
        let mut order = Vec::new();
        if parser.take_word("order") {
            parser.expect_word("by")?;
            loop {
                let field = parser.field()?;
                let downwards = parser.take_word("desc");
                if !downwards {
                    parser.take_word("asc");
                }
                order.push((field, downwards));
                if !parser.take_sign(",") {
                    break;
                }
            }
        }
        match parser.tokens.get(parser.at) {
            Some(token) => Err(format!("did not expect {token:?}")),
            None => Ok(Query { condition, order }),
        }
    }

    /// Whether it names the ids it looks for: then nothing else is looked at.
    pub fn names_ids(&self) -> bool {
        self.condition.values_of(Field::Id).is_some()
    }

    /// The places of the content that `is_there` and meets the query, in the order asked for; an error is a value that its
    /// field cannot have.
    pub fn found(&self, site: &Site, is_there: impl Fn(&Content) -> bool) -> Result<Vec<usize>, String> {
        let mut named: Vec<usize>;
        let candidates = match (self.condition.values_of(Field::Id), self.condition.values_of(Field::Space)) {
            (Some(ids), _) => {
                named = ids.iter().filter_map(|id| site.place(id)).collect();
                site.sort(&mut named);
                named.dedup();
                &named[..]
            }
            // Keys are compared without regard to case, so that a space may be another one than is written.
            (None, Some([key])) if site.space(key).is_some() => site.places(Some(key)),
            (None, _) => site.places(None),
        };
        let mut found = Vec::new();
        for place in candidates {
            let content = site.at(*place);
            if admits(&self.condition, site, content)? && is_there(content) {
                found.push(*place);
            }
        }
        self.sort(site, &mut found);
        Ok(found)
    }

    /// Puts what was found into the order asked for; without one, as it was.
    fn sort(&self, site: &Site, found: &mut [usize]) {
        if self.order.is_empty() {
            return;
        }
        found.sort_by(|a, b| {
            let (a, b) = (site.at(*a), site.at(*b));
            let by = |field: &Field| match field {
                Field::LastModified => moment(&a.updated_at).cmp(&moment(&b.updated_at)),
                Field::Created => created(a).cmp(&created(b)),
                Field::Title => a.title.cmp(&b.title),
                Field::Space => a.space.cmp(&b.space),
                Field::Type => a.kind.as_str().cmp(b.kind.as_str()),
                Field::Creator => a.created_by.cmp(&b.created_by),
                Field::Id | Field::Label | Field::Parent | Field::Ancestor | Field::Container => {
                    (a.id.len(), &a.id).cmp(&(b.id.len(), &b.id))
                }
            };
            let ordered = self.order.iter().map(|(field, down)| if *down { by(field).reverse() } else { by(field) });
            ordered.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then)
        });
    }
}

impl Condition {
    /// The values one of which a field must have for the condition to be met at all; `None` where it may have others.
    fn values_of(&self, field: Field) -> Option<&[String]> {
        match self {
            Condition::Is(of, Comparison::In, values) if *of == field => Some(values),
            Condition::And(all) => all.iter().find_map(|one| one.values_of(field)),
            Condition::Or(any) if any.len() == 1 => any[0].values_of(field),
            Condition::Is(..) | Condition::Or(_) | Condition::Not(_) => None,
        }
    }
}

fn admits(condition: &Condition, site: &Site, content: &Content) -> Result<bool, String> {
    Ok(match condition {
        Condition::And(all) => {
            for one in all {
                if !admits(one, site, content)? {
                    return Ok(false);
                }
            }
            true
        }
        Condition::Or(any) => {
            for one in any {
                if admits(one, site, content)? {
                    return Ok(true);
                }
            }
            false
        }
        Condition::Not(one) => !admits(one, site, content)?,
        Condition::Is(field, comparison, values) => compare(*field, *comparison, values, site, content)?,
    })
}

fn compare(
    field: Field,
    comparison: Comparison,
    values: &[String],
    site: &Site,
    content: &Content,
) -> Result<bool, String> {
    if matches!(field, Field::Created | Field::LastModified) {
        // The product's search index keeps minutes: what differs only by seconds compares as equal.
        let at = if field == Field::Created { created(content) } else { moment(&content.updated_at) };
        let at = at.div_euclid(MINUTE_MS);
        for value in values {
            let asked = date(value, site.offset_minutes)?.div_euclid(MINUTE_MS);
            let meets = match comparison {
                Comparison::In | Comparison::Contains => at == asked,
                Comparison::NotIn => at != asked,
                Comparison::Less => at < asked,
                Comparison::LessOrEqual => at <= asked,
                Comparison::More => at > asked,
                Comparison::MoreOrEqual => at >= asked,
            };
            if meets != (comparison == Comparison::NotIn) {
                return Ok(meets);
            }
        }
        return Ok(comparison == Comparison::NotIn);
    }
    let has: Vec<String> = match field {
        Field::Space => vec![content.space.clone()],
        Field::Type => vec![content.kind.as_str().to_owned()],
        Field::Id => vec![content.id.clone()],
        Field::Title => vec![content.title.clone()],
        Field::Label => content.labels.clone(),
        Field::Parent => content.parent.iter().filter(|_| content.kind == Kind::Page).cloned().collect(),
        Field::Ancestor => site.ancestors(content).iter().map(|above| above.id.clone()).collect(),
        Field::Container => content.container.iter().cloned().collect(),
        Field::Creator => vec![content.created_by.clone()],
        Field::Created | Field::LastModified => Vec::new(),
    };
    let is_there = |value: &String| has.iter().any(|one| one.to_lowercase() == value.to_lowercase());
    match comparison {
        Comparison::In => Ok(values.iter().any(is_there)),
        Comparison::NotIn => Ok(!values.iter().any(is_there)),
        Comparison::Contains => Ok(values.iter().all(|value| {
            has.iter().any(|one| one.to_lowercase().contains(value.trim_matches('*').to_lowercase().as_str()))
        })),
        Comparison::Less | Comparison::LessOrEqual | Comparison::More | Comparison::MoreOrEqual => {
            Err(format!("{field:?} has no order"))
        }
    }
}

fn moment(text: &str) -> i64 {
    Moment::parse(text).map_or(0, Moment::ms)
}

fn created(content: &Content) -> i64 {
    moment(content.created_at.as_ref().unwrap_or(&content.updated_at))
}

/// `yyyy-MM-dd`, with ` HH:mm` or without, `/` for `-` allowed, in the site's zone.
fn date(text: &str, offset_minutes: i64) -> Result<i64, String> {
    let wrong = || format!("{text:?} is no date; write \"yyyy-MM-dd HH:mm\"");
    let text = text.replace('/', "-");
    let (day, time) = text.split_once(' ').unwrap_or((&text, "00:00"));
    let is_time = time.len() == 5 && time.as_bytes()[2] == b':';
    let at = Moment::parse(&format!("{day}T{time}:00Z")).filter(|_| is_time).ok_or_else(wrong)?;
    Ok(at.plus_ms(-offset_minutes * MINUTE_MS).ms())
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    const SIGNS: [&str; 11] = ["!=", "!~", "<=", ">=", "<", ">", "=", "~", "(", ")", ","];
    let mut out = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            out.push(Token::Sign(sign));
            rest = &rest[sign.len()..];
        } else if first == '"' || first == '\'' {
            let mut value = String::new();
            let mut escaped = false;
            let end = rest.char_indices().skip(1).find(|(_, c)| {
                let is_end = *c == first && !escaped;
                let is_escape = *c == '\\' && !escaped;
                if !is_end && !is_escape {
                    value.push(*c);
                }
                escaped = is_escape;
                is_end
            });
            let (end, _) = end.ok_or("a quotation does not end")?;
            out.push(Token::Quoted(value));
            rest = &rest[end + 1..];
        } else {
            let end = rest.find(|c: char| c.is_whitespace() || "!<>=~(),\"'".contains(c)).unwrap_or(rest.len());
            if end == 0 {
                return Err(format!("did not expect {first:?}"));
            }
            out.push(Token::Word(rest[..end].to_owned()));
            rest = &rest[end..];
        }
        rest = rest.trim_start();
    }
    Ok(out)
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
}

impl Parser {
    fn is_word(&self, word: &str) -> bool {
        matches!(self.tokens.get(self.at), Some(Token::Word(found)) if found.eq_ignore_ascii_case(word))
    }

    fn take_word(&mut self, word: &str) -> bool {
        let is_there = self.is_word(word);
        self.at += usize::from(is_there);
        is_there
    }

    fn take_sign(&mut self, sign: &str) -> bool {
        let is_there = matches!(self.tokens.get(self.at), Some(Token::Sign(found)) if *found == sign);
        self.at += usize::from(is_there);
        is_there
    }

    fn expect_word(&mut self, word: &str) -> Result<(), String> {
        if self.take_word(word) { Ok(()) } else { Err(format!("expected {word:?}")) }
    }

    fn any_of(&mut self, depth: usize) -> Result<Condition, String> {
        let mut any = vec![self.all_of(depth)?];
        while self.take_word("or") {
            any.push(self.all_of(depth)?);
        }
        Ok(Condition::Or(any))
    }

    fn all_of(&mut self, depth: usize) -> Result<Condition, String> {
        let mut all = vec![self.one(depth)?];
        while self.take_word("and") {
            all.push(self.one(depth)?);
        }
        Ok(Condition::And(all))
    }

    fn one(&mut self, depth: usize) -> Result<Condition, String> {
        if depth > DEPTH_MAX {
            return Err("the query is nested too deeply".to_owned());
        }
        if self.take_word("not") {
            return Ok(Condition::Not(Box::new(self.one(depth + 1)?)));
        }
        if self.take_sign("(") {
            let inner = self.any_of(depth + 1)?;
            return if self.take_sign(")") { Ok(inner) } else { Err("a bracket does not close".to_owned()) };
        }
        let field = self.field()?;
        let (comparison, is_list) = self.comparison()?;
        let mut values = Vec::new();
        if is_list {
            if !self.take_sign("(") {
                return Err("a list begins with a bracket".to_owned());
            }
            loop {
                values.push(self.value()?);
                if !self.take_sign(",") {
                    break;
                }
            }
            if !self.take_sign(")") {
                return Err("a list does not close".to_owned());
            }
        } else {
            values.push(self.value()?);
        }
        Ok(Condition::Is(field, comparison, values))
    }

    fn comparison(&mut self) -> Result<(Comparison, bool), String> {
        if self.take_word("in") {
            return Ok((Comparison::In, true));
        }
        if self.take_word("not") {
            self.expect_word("in")?;
            return Ok((Comparison::NotIn, true));
        }
        let signs = [
            ("=", Comparison::In),
            ("!=", Comparison::NotIn),
            ("~", Comparison::Contains),
            ("<=", Comparison::LessOrEqual),
            (">=", Comparison::MoreOrEqual),
            ("<", Comparison::Less),
            (">", Comparison::More),
        ];
        let found = signs.into_iter().find(|(sign, _)| self.take_sign(sign));
        found.map(|(_, comparison)| (comparison, false)).ok_or_else(|| "expected a comparison after a field".to_owned())
    }

    fn field(&mut self) -> Result<Field, String> {
        let Some(Token::Word(word)) = self.tokens.get(self.at) else { return Err("expected a field".to_owned()) };
        let field = match word.to_ascii_lowercase().as_str() {
            "space" | "space.key" => Field::Space,
            "type" => Field::Type,
            "id" | "content" => Field::Id,
            "title" => Field::Title,
            "label" => Field::Label,
            "parent" => Field::Parent,
            "ancestor" => Field::Ancestor,
            "container" => Field::Container,
            "creator" => Field::Creator,
            "created" => Field::Created,
            "lastmodified" => Field::LastModified,
            _ => return Err(format!("there is no field {word:?} here")),
        };
        self.at += 1;
        Ok(field)
    }

    fn value(&mut self) -> Result<String, String> {
        let value = match self.tokens.get(self.at) {
            Some(Token::Word(value) | Token::Quoted(value)) => value.clone(),
            Some(Token::Sign(_)) | None => return Err("expected a value".to_owned()),
        };
        self.at += 1;
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn site() -> Site {
        let page = |id: &str, space: &str, at: &str, labels: &[&str]| serde_json::json!({"id": id, "type": "page", "space": space, "title": format!("Page {id}"), "updated_at": at, "labels": labels});
        let site = serde_json::json!({
            "users": [], "global_use": {}, "time_zone": "+01:00",
            "spaces": [{"key": "ENG", "name": "E", "view": {}}, {"key": "~ana", "name": "A", "type": "personal", "view": {}}],
            "content": [
                page("1", "ENG", "2026-03-01T08:15:59Z", &["oncall"]),
                page("2", "ENG", "2026-03-01T08:16:00Z", &[]),
                page("3", "~ana", "2026-02-01T00:00:00Z", &[]),
                {"id": "4", "type": "comment", "container": "3", "title": "Re", "updated_at": "2026-03-02T00:00:00Z"}]
        });
        Site::read(site, Path::new(".")).unwrap()
    }

    fn found(cql: &str) -> Result<Vec<String>, String> {
        let site = site();
        let query = Query::parse(cql)?;
        let found = query.found(&site, |_| true)?;
        Ok(found.into_iter().map(|place| site.at(place).id.clone()).collect())
    }

    #[test]
    fn what_is_asked_for_by_ids_or_space_is_found_among_these_alone() {
        assert_eq!(found("id in (3, 9, 1, 3) and type = page").unwrap(), ["1", "3"]);
        assert_eq!(found("id = 1 or label = oncall or space = \"~ana\"").unwrap(), ["1", "3", "4"]);
        assert_eq!(found("space = ENG").unwrap(), found("space = eng").unwrap());
        assert_eq!(found("not id = 1 and space = eng").unwrap(), ["2"]);
    }

    #[test]
    fn spaces_types_and_times_narrow_and_order() {
        let since = |at: &str| {
            found(&format!("space in (\"ENG\", '~ana') and lastmodified >= \"{at}\" order by lastmodified desc"))
        };

        assert_eq!(since("2026-03-01 09:15").unwrap(), ["4", "2", "1"]);
        assert_eq!(since("2026/03/01 09:16").unwrap(), ["4", "2"]);
        assert_eq!(found("type in (page,blogpost) and not space = ENG").unwrap(), ["3"]);
        assert_eq!(found("label = oncall or (title ~ \"page 3\" and type != comment)").unwrap(), ["1", "3"]);
        assert_eq!(found("lastmodified > \"2026-03-01\" and type = comment").unwrap(), ["4"]);
    }

    #[test]
    fn what_is_no_query_is_refused() {
        for cql in [
            "",
            "space",
            "space =",
            "space in ENG",
            "(space = A",
            "colour = red",
            "lastmodified > \"soon\"",
            "title = \"x",
        ] {
            assert!(found(cql).is_err(), "{cql}");
        }
        assert!(found(&format!("{}space = ENG", "not ".repeat(10_000))).is_err());
    }
}
