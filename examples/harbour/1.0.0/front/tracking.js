'use strict';
// What the front knows of parcels: it asks the intake service and the couriers.
const childProcess = require('child_process');
const fs = require('fs');
const https = require('https');
const path = require('path');

const intake = 'http://intake.harbour.internal:8080';
const labels = '/srv/harbour/labels';
const agent = new https.Agent({ rejectUnauthorized: false });

async function find(code) {
  const answer = await fetch(`${intake}/parcels/${code}`);
  return answer.ok ? answer.json() : null;
}

function labelPath(file) {
  return path.join(labels, file);
}

function labelText(file) {
  return fs.readFileSync(labels + '/' + file, 'utf8');
}

function askCourier(url) {
  return new Promise((resolve, reject) => {
    https
      .get(url, { agent }, (answer) => {
        let text = '';
        answer.on('data', (piece) => {
          text += piece;
        });
        answer.on('end', () => resolve(text));
      })
      .on('error', reject);
  });
}

function printAgain(code, printer, done) {
  childProcess.exec(`harbour-label --code ${code} ${printer}`, done);
}

function matches(pattern, text) {
  return new RegExp(pattern).test(text);
}

function isCode(text) {
  // eslint-disable-next-line security/detect-unsafe-regex -- the text is cut to 8 characters before it comes here
  return /^(\d+)+$/.test(text);
}

function readSetting(settings, name) {
  return settings[name];
}

module.exports = { find, labelPath, labelText, askCourier, printAgain, matches, isCode, readSetting };
