// @ts-check
/** Sends the page's one form on its way; its button stays for whoever comes back to the page. */
import { $ } from "./dom.js";

$("#onward").submit();
