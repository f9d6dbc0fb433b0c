// @ts-check
/** Making a source: its settings are looked into before it is there. */
import { makeSource } from "./api.js";
import { $, el, on } from "./dom.js";
import { looks, tell } from "./source-edit.js";
import { DEFAULTS, PRODUCTS, sourceForm } from "./source-form.js";

const product = $("#product");
product.replaceChildren(...PRODUCTS.map(([value, words]) => el("option", { value }, words)));
const form = sourceForm(DEFAULTS, [], product.value);
const sent = () => {
  const { settings, secrets } = form.sent();
  return { settings: { kind: product.value, ...settings }, secrets };
};
const name = () => $("#source-name").value.trim();
// A draft can be looked into before it has a name.
const { buttons, found } = looks(() => name() || "draft", sent);
$("#form-place").replaceChildren(form.node, found);
$("#deeds").prepend(...buttons);
on(product, "change", () => form.show(product.value));
on($("#new-source"), "submit", async (event) => {
  event.preventDefault();
  $("#make").disabled = true;
  try {
    await makeSource({ name: name(), ...sent() });
    location.assign(`/admin/sources/${encodeURIComponent(name())}`);
  } catch (cause) {
    tell(found, cause);
  }
  $("#make").disabled = false;
});
