// A small product with known weak spots, of our own, in languages that Community analyses.
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const files: Readonly<Record<string, string>> = {
  'src/shop/orders.js': `const crypto = require('crypto');
const { exec } = require('child_process');

exports.token = () => Math.random().toString(36).slice(2);

exports.digest = (text) => crypto.createHash('md5').update(text).digest('hex');

exports.sealed = (key, text) => {
  const cipher = crypto.createCipheriv('des-ecb', key, null);
  return cipher.update(text, 'utf8', 'hex') + cipher.final('hex');
};

exports.print = (request, response) => {
  exec('lp ' + request.query.file);
  response.cookie('session', exports.token(), { httpOnly: false, secure: false });
  response.send(eval(request.query.template));
};

const password = 'correct-horse-battery';
exports.connect = (db) => db.connect({ user: 'shop', password });
`,
  'src/shop/mail.py': `import hashlib
import os
import random
import ssl
import tempfile
import xml.sax

PASSWORD = "correct-horse-battery"


def code():
    return str(random.random())


def digest(text):
    return hashlib.md5(text.encode()).hexdigest()


def connect(host):
    context = ssl._create_unverified_context()
    return context.wrap_socket(host)


def stored(path):
    os.chmod(path, 0o777)
    return tempfile.mktemp()


def read(source):
    parser = xml.sax.make_parser()
    parser.setFeature(xml.sax.handler.feature_external_ges, True)
    return parser.parse(source)
`,
  'src/shop/page.php': `<?php
session_start();
setcookie('session', uniqid(), 0, '/', '', false, false);
$key = 'correct-horse-battery';
echo md5($_GET['text']);
echo rand();
mysqli_query($db, "select * from orders where id = " . $_GET['id']);
system($_GET['command']);
phpinfo();
header('Access-Control-Allow-Origin: *');
`,
  'src/shop/Store.java': `package shop;

import java.security.MessageDigest;
import java.util.Random;

public class Store {
  public String code() {
    return String.valueOf(new Random().nextInt());
  }

  public byte[] digest(String text) throws Exception {
    return MessageDigest.getInstance("MD5").digest(text.getBytes());
  }
}
`,
};

/** Writes the product as a git repository with one commit; answers its folder. */
export function writeProject(directory: string): string {
  const root = join(directory, 'product');
  for (const [name, text] of Object.entries(files)) {
    const path = join(root, name);
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, text);
  }
  mkdirSync(join(root, 'classes'), { recursive: true });
  commit(root, 'First version');
  return root;
}

/** Another version: one weak spot less, one more. */
export function changeProject(root: string): void {
  writeFileSync(
    join(root, 'src/shop/more.js'),
    `const http = require('http');
const crypto = require('crypto');

exports.get = (host) => http.get('http://' + host + '/orders');
exports.sign = (text) => crypto.createHash('sha1').update(text).digest('hex');
`,
  );
  commit(root, 'Second version');
}

function commit(root: string, message: string): void {
  const git = (...parameters: string[]) =>
    execFileSync('git', ['-c', 'user.name=Test', '-c', 'user.email=test@example.org', ...parameters], { cwd: root, stdio: 'ignore' });
  git('init', '-q', '-b', 'main');
  git('add', '.');
  git('commit', '-q', '-m', message);
}
