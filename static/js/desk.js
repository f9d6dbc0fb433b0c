// @ts-check
/** The one header of the desk's pages: of its links, those that whoever is here may open, and where they are. */
import { standing } from "./api.js";
import { sayEmergency } from "./standing.js";

/** Where the roles are remembered in this tab, so that the header stands at once on the next page. They open nothing. */
const ROLES = "sotto.desk.roles";

/** Parts of the overview that have pages of their own below it. */
const BELOW_OVERVIEW = ["/admin/sources/", "/admin/providers/"];

const links = /** @type {HTMLAnchorElement[]} */ ([...document.querySelectorAll(".admin-links a")]);

for (const link of links) {
  const path = new URL(link.href).pathname;
  const isBelow = path === "/admin" ? BELOW_OVERVIEW.some((part) => location.pathname.startsWith(part)) : location.pathname.startsWith(`${path}/`);
  if (path === location.pathname) link.setAttribute("aria-current", "page");
  else if (isBelow) link.setAttribute("aria-current", "true");
}
show(remembered());
standing().then((found) => {
  show(found.roles);
  remember(found.roles);
  sayEmergency(found);
}, () => {});

/** @param {string[]} roles */
function show(roles) {
  for (const link of links) {
    const whose = (link.dataset.roles ?? "").split(" ");
    link.hidden = !whose.some((role) => roles.includes(role));
  }
}

/** @returns {string[]} */
function remembered() {
  try {
    return (sessionStorage.getItem(ROLES) ?? "").split(" ");
  } catch {
    // Storage can be switched off; the header then stands a moment later.
    return [];
  }
}

/** @param {string[]} roles */
function remember(roles) {
  try {
    sessionStorage.setItem(ROLES, roles.join(" "));
  } catch {
    // As above.
  }
}
