// @ts-check
/**
 * Passkeys as keys: the WebAuthn PRF extension gives thirty-two secret bytes that only the authenticator can make. Nobody is
 * signed in with them, so no assertion goes to the server: the bytes unlock the history, or they unlock nothing.
 */

/** @param {ArrayBuffer|Uint8Array} bytes */
function encoded(bytes) {
  const text = Array.from(bytes instanceof Uint8Array ? bytes : new Uint8Array(bytes), (byte) => String.fromCharCode(byte)).join("");
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/** @param {string} text */
function decoded(text) {
  return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
}

const random = () => crypto.getRandomValues(new Uint8Array(32));

/** Whether this browser can ask for a passkey at all. */
export const canUsePasskeys = () => "credentials" in navigator && "PublicKeyCredential" in window;

/**
 * Makes a passkey for this person and asks it for its secret.
 * @param {{name: string, shown: string}} person @param {string|null} salt what their other passkeys are asked for
 * @param {string[]} known the credentials they have already
 * @returns {Promise<{passkey: {credential_id: string, output: string, salt: string}}>}
 */
export async function newPasskey(person, salt, known) {
  const first = salt ? decoded(salt) : random();
  const made = /** @type {any} */ (
    await navigator.credentials.create({
      publicKey: /** @type {any} */ ({
        rp: { name: "Sotto" },
        // A random handle: who is signed in is no matter of the passkey.
        user: { id: random(), name: person.name, displayName: person.shown },
        challenge: random(),
        pubKeyCredParams: [-7, -257].map((alg) => ({ type: "public-key", alg })),
        authenticatorSelection: { residentKey: "preferred", userVerification: "required" },
        excludeCredentials: known.map((id) => ({ type: "public-key", id: decoded(id) })),
        extensions: { prf: { eval: { first } } },
      }),
    })
  );
  const prf = made.getClientExtensionResults().prf;
  const credential = encoded(made.rawId);
  if (prf?.results?.first) return { passkey: { credential_id: credential, output: encoded(prf.results.first), salt: encoded(first) } };
  if (!prf?.enabled) throw new Error("This passkey gives no secret (the WebAuthn extension prf). Use another, or a passphrase.");
  // Some give it only when they are asked again.
  const { passkey } = await askPasskey(encoded(first), [credential]);
  return { passkey: { ...passkey, salt: encoded(first) } };
}

/**
 * Asks one of these passkeys for its secret.
 * @param {string} salt @param {string[]} credentials
 * @returns {Promise<{passkey: {credential_id: string, output: string}}>}
 */
export async function askPasskey(salt, credentials) {
  const given = /** @type {any} */ (
    await navigator.credentials.get({
      publicKey: /** @type {any} */ ({
        challenge: random(),
        allowCredentials: credentials.map((id) => ({ type: "public-key", id: decoded(id) })),
        userVerification: "required",
        extensions: { prf: { eval: { first: decoded(salt) } } },
      }),
    })
  );
  const output = given.getClientExtensionResults().prf?.results?.first;
  if (!output) throw new Error("This passkey gave no secret (the WebAuthn extension prf). Use another, or your passphrase.");
  return { passkey: { credential_id: encoded(given.rawId), output: encoded(output) } };
}

/** What went wrong with a passkey, in words. @param {any} cause */
export function passkeyWords(cause) {
  if (cause?.name === "NotAllowedError") return "The passkey was not used: it was cancelled, or took too long.";
  if (cause?.name === "InvalidStateError") return "This device has a passkey for your history already.";
  if (cause?.name === "SecurityError") return "Passkeys work only at the appliance's own name, not at a number.";
  return cause?.message ?? "The passkey could not be used.";
}
