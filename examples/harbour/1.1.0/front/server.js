'use strict';
// The web front of Harbour: customers look here where their parcel is.
const express = require('express');
const session = require('express-session');
const tracking = require('./tracking');
const accounts = require('./accounts');
const notes = require('./notes');

const app = express();
app.use(express.urlencoded({ extended: true }));
app.use(session({ secret: process.env.HARBOUR_SESSION, cookie: { httpOnly: true, secure: true } }));

app.get('/', (req, res) => {
  res.send('<h1>Harbour</h1><form action="/track"><input name="code"><button>Track</button></form>');
});

app.get('/track', async (req, res) => {
  const parcel = await tracking.find(req.query.code);
  if (!parcel) {
    res.status(404).type('text').send('No such parcel');
    return;
  }
  res.send('<h1>Parcel ' + req.query.code + '</h1><p>' + parcel.place + '</p>');
});

app.get('/labels/:file', (req, res) => {
  res.sendFile(tracking.labelPath(req.params.file));
});

app.get('/estimate', (req, res) => {
  res.json({ days: tracking.estimate(Number(req.query.kilometres)) });
});

app.get('/leave', (req, res) => {
  res.redirect(req.query.to === 'help' ? '/help' : '/');
});

app.post('/sign-in', (req, res) => {
  const account = accounts.signIn(req.body.name, req.body.password);
  if (!account) {
    res.status(403).send('no');
    return;
  }
  req.session.account = account;
  res.cookie('remember', accounts.rememberToken(account), { httpOnly: false });
  res.redirect('/');
});

app.get('/courier', async (req, res) => {
  const answer = await tracking.askCourier(req.query.url);
  res.type('json').send(answer);
});

app.get('/notes', (req, res) => {
  notes.search(req.query.words, (error, found) => {
    res.send('<h1>Notes on ' + req.query.words + '</h1>' + found);
  });
});

app.get('/notes/export', (req, res) => {
  res.set('X-Note', req.query.name);
  notes.exported(req.query.name).pipe(res);
});

app.listen(process.env.PORT || 3000);
