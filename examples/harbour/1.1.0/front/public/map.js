'use strict';
// Runs in the browser: shows the parcel's way and what the courier says.
/* global document, window, localStorage */

function show(parcel) {
  const list = document.getElementById('way');
  list.innerHTML = parcel.stops.map((stop) => '<li>' + stop.place + '</li>').join('');
  document.write('<p>Last seen: ' + parcel.place + '</p>');
}

function remember(token) {
  localStorage.setItem('token', token);
}

function listen() {
  window.addEventListener('message', (event) => {
    show(JSON.parse(event.data));
  });
}

function later(code) {
  setTimeout("refresh('" + code + "')", 60000);
}

module.exports = { show, remember, listen, later };
