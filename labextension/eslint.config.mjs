import jupyter from '@jupyter/eslint-plugin';
import prettier from 'eslint-config-prettier';
import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['.yarn/', 'coverage/', 'lib/', 'node_modules/', '*.js'] },
  {
    files: ['**/*.{ts,tsx}'],
    extends: [tseslint.configs.recommended],
    rules: {
      '@typescript-eslint/no-namespace': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { args: 'none' }],
      curly: 'error',
      eqeqeq: 'error'
    }
  },
  { plugins: { jupyter } },
  ...jupyter.configs.recommended,
  {
    // The panel listens to the server from the start, and all of it is smaller than one request more.
    rules: { 'jupyter/prefer-lazy-imports': 'off' }
  },
  {
    files: ['src/__tests__/**'],
    rules: {
      'jupyter/command-described-by': 'off',
      'jupyter/no-untranslated-string': 'off'
    }
  },
  prettier
);
