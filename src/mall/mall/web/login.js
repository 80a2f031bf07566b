// The sign-in page: sends the name, then opens the shop.
import { text, translate } from "./text.js";

const form = /** @type {HTMLFormElement} */ (document.getElementById("sign-in"));
const field = /** @type {HTMLInputElement} */ (document.getElementById("name"));
const problem = /** @type {HTMLElement} */ (document.getElementById("problem"));

async function signIn(name) {
  problem.textContent = "";
  if (!name.trim()) {
    problem.textContent = text("nameNeeded");
    field.focus();
    return;
  }
  try {
    const response = await fetch("/api/users", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ name }),
    });
    if (response.ok) location.assign("/");
    else problem.textContent = response.status < 500 ? text("nameNeeded") : text("offline");
  } catch {
    problem.textContent = text("offline");
  }
}

translate();
field.focus();
form.addEventListener("submit", (event) => {
  event.preventDefault();
  signIn(field.value);
});
for (const button of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-name]"))) button.addEventListener("click", () => signIn(button.dataset.name ?? ""));
