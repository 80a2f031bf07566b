// Node's HTTP clients, each at every URL: a line "client<TAB>number of the URL<TAB>answer".
const http = require('node:http');

const byHttp = (url) =>
  new Promise((resolve, reject) => {
    http.get(url, (answer) => {
      let text = '';
      answer.on('data', (piece) => (text += piece));
      answer.on('end', () => resolve(text));
    }).on('error', reject);
  });

const clients = {
  http: byHttp,
  fetch: async (url) => (await fetch(url)).text(),
};
// Packages that npm may not have been able to install.
try {
  const { request } = require('undici');
  clients.undici = async (url) => (await request(url)).body.text();
  const axios = require('axios');
  clients.axios = async (url) => (await axios.get(url, { responseType: 'text' })).data;
} catch (error) {
  if (error.code !== 'MODULE_NOT_FOUND') throw error;
}

(async () => {
  for (const [name, call] of Object.entries(clients)) {
    for (const [number, url] of process.argv.slice(2).entries()) {
      const answer = await call(url).catch((error) => String(error.cause ?? error));
      console.log(`${name}\t${number}\t${answer.trim().replaceAll('\n', ' ')}`);
    }
  }
})();
