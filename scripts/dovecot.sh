#!/bin/sh
# Dovecot for the tests of IMAP mailboxes. Where it can't be had, those tests say that they were skipped.
set -u
command -v dovecot >/dev/null 2>&1 && exit 0
[ -x /usr/sbin/dovecot ] && exit 0
command -v apt-get >/dev/null 2>&1 || exit 0
root=""
if [ "$(id -u)" != 0 ]; then
    sudo -n true 2>/dev/null || exit 0
    root="sudo -n"
fi
echo "installing Dovecot for the tests of IMAP mailboxes …"
$root apt-get update -qq >/dev/null 2>&1
DEBIAN_FRONTEND=noninteractive $root apt-get install -y -qq --no-install-recommends dovecot-imapd >/dev/null 2>&1 ||
    echo "Dovecot could not be installed; the tests of IMAP mailboxes will be skipped" >&2
exit 0
