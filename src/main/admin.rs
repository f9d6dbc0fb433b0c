//! Commands for administrators who sign in without a provider; they speak to the running appliance over its owner's socket.

use anyhow::Context as _;
use sotto::web::control::Command;

use crate::client::tell;
use crate::command::Admin;
use crate::say;

/// Does one of them.
pub fn run(deed: Admin) -> anyhow::Result<()> {
    match deed {
        Admin::Create { name, password_stdin, config, json } => {
            let password = if password_stdin { Some(from_stdin()?) } else { None };
            let made = tell(config.config.as_deref(), &Command::AdminCreate { name, password })?;
            if json {
                say(&serde_json::to_string_pretty(&made)?);
                return Ok(());
            }
            let text = |part: &str| made[part].as_str().unwrap_or_default().to_owned();
            say(&format!("{} can sign in at /sign-in, under \"Emergency administrator\".", text("name")));
            if made["password"].is_string() {
                say(&format!("password: {}", text("password")));
            }
            say(&format!("authenticator: {}", text("otpauth")));
            say("Neither is shown again. Put the address into an authenticator, and both into the safe.");
        }
        Admin::List { config, json } => {
            let found = tell(config.config.as_deref(), &Command::AdminList)?;
            if json {
                say(&serde_json::to_string_pretty(&found)?);
                return Ok(());
            }
            let all = found["administrators"].as_array().map_or(&[][..], Vec::as_slice);
            if all.is_empty() {
                say("there is none; \"sotto admin create NAME\" makes one");
            }
            for one in all {
                let text = |part: &str| one[part].as_str().unwrap_or("never").to_owned();
                say(&format!("{}: made {}, signed in last {}", text("name"), text("made_at"), text("last_at")));
            }
        }
        Admin::Remove { name, config } => {
            tell(config.config.as_deref(), &Command::AdminRemove { name: name.clone() })?;
            say(&format!("{name} was removed, and their sessions have ended"));
        }
    }
    Ok(())
}

fn from_stdin() -> anyhow::Result<String> {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).context("while reading the password from standard input")?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
