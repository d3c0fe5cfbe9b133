#!/bin/sh
# Webhooks as Terraform's provider looks after them: every parameter in the query, an empty body, the token as user of Basic. It takes 200, 200, 204
# and 204 and nothing else, reads `webhook.key` of what it made, and `errors[0].msg` of what went wrong.
# Takes the server's address and a token; prints one line for each step.
set -eu
address=$1
token=$2
answer=$(mktemp)
trap 'rm -f "$answer"' EXIT

# METHOD PATH EXPECTED [NAME=VALUE …]
call() {
  method=$1 path=$2 expected=$3
  shift 3
  query=''
  for pair in "$@"; do
    value=$(printf '%s' "${pair#*=}" | od -An -v -tx1 | tr -d ' \n' | sed 's/../%&/g')
    query="$query&${pair%%=*}=$value"
  done
  status=$(curl -s -m 20 -o "$answer" -w '%{http_code}' -u "$token:" -X "$method" -H 'Content-Length: 0' "$address$path?${query#&}")
  if [ "$status" != "$expected" ]; then
    echo "$method $path: $status $(cat "$answer")"
    exit 1
  fi
}

call POST /api/webhooks/create 200 'name=Terraform & Co' 'url=http://user:pw@127.0.0.1:9/hook?a=1&b=2' 'secret=sixteen-chars-ok'
key=$(sed -n 's/^{"webhook":{"key":"\([0-9a-f-]*\)".*/\1/p' "$answer")
echo "created $key"
call GET /api/webhooks/list 200
grep -q "\"key\":\"$key\",\"name\":\"Terraform \\\\u0026 Co\",\"url\":\"http://\*\*\*\*:\*\*@127.0.0.1:9/hook?a\\\\u003d1\\\\u0026b\\\\u003d2\"" "$answer"
echo 'listed'
# It sends the project too, whether or not there is one.
call POST /api/webhooks/update 204 "webhook=$key" 'name=Terraform' 'url=http://127.0.0.1:9/other' 'secret=another-secret-16' 'project='
call GET /api/webhooks/list 200
grep -q '"name":"Terraform","url":"http://127.0.0.1:9/other"' "$answer"
echo 'updated'
call POST /api/webhooks/delete 204 "webhook=$key"
echo 'deleted'
call POST /api/webhooks/delete 404 "webhook=$key"
echo "refused $(sed -n 's/^{"errors":\[{"msg":"\(.*\)"}\]}$/\1/p' "$answer")"
