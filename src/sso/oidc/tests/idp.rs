//! A provider of a few lines on a loopback socket, so that the real client is what is tested.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::keys::{Ed, claims_with};

/// What it answers, and what it was asked.
#[derive(Default)]
pub struct Script {
    /// By path: the status and the body.
    pub answers: BTreeMap<String, (u16, Value)>,
    /// Method, path, headers in lower case, and body of each request.
    pub asked: Vec<(String, String, String)>,
    is_over: bool,
}

/// The provider; it stops when it is dropped.
pub struct Idp {
    address: SocketAddr,
    pub script: Arc<Mutex<Script>>,
}

impl Idp {
    /// A provider with one key, `k1`.
    pub fn start() -> Idp {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let idp = Idp { address: listener.local_addr().unwrap(), script: Arc::default() };
        let issuer = idp.issuer();
        let metadata = json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": format!("{issuer}/token"),
            "userinfo_endpoint": format!("{issuer}/userinfo"),
            "jwks_uri": format!("{issuer}/keys"),
            "end_session_endpoint": format!("{issuer}/end?a=b"),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["EdDSA", "HS256", "none"],
        });
        idp.answer("/.well-known/openid-configuration", 200, metadata);
        idp.has_keys(&[&Ed::named("k1")]);
        let script = idp.script.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let is_over = script.lock().unwrap().is_over;
                if is_over {
                    break;
                }
                // A request that broke off is not answered; the next one is.
                serve(stream, &script);
            }
        });
        idp
    }

    pub fn issuer(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn answer(&self, path: &str, status: u16, body: Value) {
        self.script.lock().unwrap().answers.insert(path.to_owned(), (status, body));
    }

    pub fn announces(&self, name: &str, value: Value) {
        let mut script = self.script.lock().unwrap();
        script.answers.get_mut("/.well-known/openid-configuration").unwrap().1[name] = value;
    }

    pub fn has_keys(&self, keys: &[&Ed]) {
        let keys: Vec<Value> = keys.iter().map(|key| key.jwk()).collect();
        self.answer("/keys", 200, json!({ "keys": keys }));
    }

    /// The next code is exchanged for a token with these claims, signed by this key.
    pub fn grants(&self, key: &Ed, nonce: &str, changes: Value) {
        let mut claims = claims_with(changes);
        claims["nonce"] = nonce.into();
        claims["iss"] = self.issuer().into();
        let tokens =
            json!({ "access_token": "the-access-token", "token_type": "Bearer", "id_token": key.sign(&claims) });
        self.answer("/token", 200, tokens);
    }

    /// How often a path was asked for.
    pub fn times(&self, path: &str) -> usize {
        self.script.lock().unwrap().asked.iter().filter(|(line, ..)| line.split(' ').nth(1) == Some(path)).count()
    }
}

impl Drop for Idp {
    fn drop(&mut self) {
        self.script.lock().unwrap().is_over = true;
        // Wakes the thread; where that fails it has ended already.
        drop(TcpStream::connect(self.address));
    }
}

fn serve(stream: TcpStream, script: &Mutex<Script>) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let (mut line, mut head) = (String::new(), String::new());
    reader.read_line(&mut line).ok()?;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        if header.trim().is_empty() {
            break;
        }
        head.push_str(&header.to_lowercase());
    }
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut script = script.lock().unwrap();
    script.asked.push((line.trim().to_owned(), head, String::from_utf8(body).ok()?));
    let (status, answer) = script.answers.get(&path).cloned().unwrap_or((404, json!({})));
    let answer = answer.to_string();
    let mut stream = reader.into_inner();
    let head = format!(
        "HTTP/1.1 {status} Said\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        answer.len()
    );
    // A client that went away is its own affair.
    drop(stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(answer.as_bytes())));
    Some(())
}
