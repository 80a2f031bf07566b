// Lints the console's and the shop's JavaScript, which browsers run as it is.
import js from "@eslint/js";
import globals from "globals";

export default [
  { ignores: ["**/vendor/**"] },
  {
    files: ["src/**/*.js"],
    ...js.configs.recommended,
    languageOptions: { ecmaVersion: 2024, sourceType: "module", globals: globals.browser },
    rules: {
      ...js.configs.recommended.rules,
      eqeqeq: "error",
      "no-var": "error",
      "prefer-const": "error",
      "prefer-template": "error",
      "no-shadow": "error",
      "no-param-reassign": ["error", { props: false }],
      "no-implicit-globals": "error",
      "no-eval": "error",
      "no-implied-eval": "error",
      "max-lines": ["error", 250],
      "no-restricted-properties": [
        "error",
        { property: "innerHTML", message: "insert text, never markup" },
        { property: "outerHTML", message: "insert text, never markup" },
        { property: "insertAdjacentHTML", message: "insert text, never markup" },
      ],
    },
  },
];
