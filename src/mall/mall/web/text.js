// The pages' texts, in the first of the browser's languages that the shop speaks, else in English.
// A new language is a file languages/<tag>.js and its tag here.
const LANGUAGES = ["en", "zh"];

/** @param {readonly string[]} preferred language tags such as `zh-CN`, the most preferred first */
export function choose(preferred) {
  const subtags = preferred.map((tag) => tag.toLowerCase().split("-")[0]);
  return subtags.find((subtag) => LANGUAGES.includes(subtag)) ?? "en";
}

// Only the chosen language is fetched.
const { default: texts } = await import(`./languages/${choose(navigator.languages)}.js`);

/** The locale for numbers and prices. */
export const locale = texts.locale;

/** @param {string} key */
export const text = (key) => texts[key] ?? key;

/** Puts the texts into the page: each element with `data-text` gets the text of that key. */
export function translate() {
  document.documentElement.lang = locale;
  for (const element of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-text]"))) {
    element.textContent = text(element.dataset.text ?? "");
  }
}
