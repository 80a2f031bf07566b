#!/bin/sh
# curl and wget, each at every URL: a line "client<TAB>number of the URL<TAB>answer".
number=0
for url; do
  printf 'curl\t%s\t%s\n' "$number" "$(curl -sS --max-time 20 "$url" 2>&1 | tr '\n' ' ')"
  if command -v wget >/dev/null; then
    printf 'wget\t%s\t%s\n' "$number" "$(wget -q -t 1 -T 20 -O - "$url" 2>&1 | tr '\n' ' ')"
  fi
  number=$((number + 1))
done
