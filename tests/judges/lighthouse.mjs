/* How fast a page is with the widget and without, by Lighthouse's mobile preset:
     node tests/judges/lighthouse.mjs RUNS SANDBOX PATH
   prints {"on": [scores], "off": [scores]}. The two take turns, so that a busy machine is as bad for both. */
import { launch } from 'chrome-launcher';
import lighthouse from 'lighthouse';

const [runs, sandbox, path] = process.argv.slice(2);
const quiet = ['background-networking', 'component-update', 'gpu', 'quic', 'sync'].map((one) => `--disable-${one}`);
const theme = {
  off: { embeds: { 'loyalty-embed': false }, blocks: { product: [] } },
  on: { embeds: { 'loyalty-embed': true }, blocks: { product: ['points-on-product'] } },
};

async function setTheme(changes) {
  const request = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(changes) };
  const answer = await fetch(`${sandbox}/sandbox/theme`, request);
  if (!answer.ok) throw new Error(`the theme can't be changed: ${answer.status}`);
}

async function scoreOf(url, port) {
  const { lhr } = await lighthouse(url, { port, onlyCategories: ['performance'], logLevel: 'silent' });
  if (lhr.runtimeError) throw new Error(`${url}: ${lhr.runtimeError.message}`);
  return Math.round(lhr.categories.performance.score * 100);
}

const chromeFlags = ['--headless=new', '--no-sandbox', '--no-first-run', ...quiet];
const chrome = await launch({ chromePath: '/usr/bin/chromium', chromeFlags });
const scores = { on: [], off: [] };
try {
  for (let run = 0; run < Number(runs); run += 1) {
    for (const state of ['off', 'on']) {
      await setTheme(theme[state]);
      scores[state].push(await scoreOf(sandbox + path, chrome.port));
    }
  }
} finally {
  chrome.kill();
  await setTheme(theme.on);
}
process.stdout.write(JSON.stringify(scores));
