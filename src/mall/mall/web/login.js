// The page that signs in: sends the name, goes to the shop.
import { text, translate } from "./text.js";

const form = document.getElementById("sign-in");
const field = document.getElementById("name");
const problem = document.getElementById("problem");

async function signIn(name) {
  problem.textContent = "";
  if (!name.trim()) {
    problem.textContent = text("nameNeeded");
    field.focus();
    return;
  }
  try {
    const answer = await fetch("/api/users", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ name }),
    });
    if (answer.ok) location.assign("/");
    else problem.textContent = answer.status < 500 ? text("nameNeeded") : text("offline");
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
for (const button of document.querySelectorAll("[data-name]")) button.addEventListener("click", () => signIn(button.dataset.name));
