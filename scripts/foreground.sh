#!/bin/bash
# Runs a program for a recipe of make, so that stopping make stops the program and Ctrl-C ends without noise.
#
# usage: foreground.sh PROGRAM [ARGUMENT]...
#
# SIGTERM is forwarded: a shell that only waits would die of it and leave the program running. Ctrl-C reaches the program and
# make directly; this script then ends with 0, so that make prints no 'Error 130'. Otherwise the exit status is the program's.

"$@" <&0 &
program=$!
trap 'interrupted=yes' INT
trap 'kill -TERM "$program"' TERM HUP

# A trapped signal ends `wait` early: ask again until the program is gone.
wait "$program"
status=$?
while kill -0 "$program" 2>/dev/null; do
  wait "$program"
  status=$?
done
[ -z "${interrupted:-}" ] || exit 0
exit "$status"
