import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["dist", "generated"] },
  {
    files: ["**/*.ts"],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      "@typescript-eslint/no-confusing-void-expression": [
        "error",
        { ignoreArrowShorthand: true, ignoreVoidOperator: true, ignoreVoidReturningFunctions: true },
      ],
      "@typescript-eslint/no-misused-spread": "off", // letters are spread, and none of them is made of two code units
      "@typescript-eslint/no-unnecessary-condition": "off", // browsers lack what the types promise
      "@typescript-eslint/no-unnecessary-type-parameters": "off", // of `find<HTMLInputElement>(id)`
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
    },
  },
  {
    files: ["tests/**"],
    rules: {
      "@typescript-eslint/no-non-null-assertion": "off", // a test that asserts wrongly fails
      "@typescript-eslint/require-await": "off", // of functions that stand for others
    },
  },
);
