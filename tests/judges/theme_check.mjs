// Runs Shopify's theme-check on a theme app extension and prints its offences of any level as JSON.
import { resolve } from 'node:path';
import { themeCheckRun } from '@shopify/theme-check-node';

const root = resolve(process.argv[2]);
const { offenses } = await themeCheckRun(root, 'theme-check:theme-app-extension');
const found = offenses.map(({ check, message, uri, start, severity }) => ({
  check,
  message,
  file: uri.split('/loyalty-widget/').at(-1),
  line: start.line + 1,
  severity,
}));
console.log(JSON.stringify(found, null, 2));
process.exitCode = found.length ? 1 : 0;
