#!/bin/bash
# Runs a program for a recipe of make, so that stopping make stops the program and Ctrl-C ends without noise.
#
# usage: foreground.sh PROGRAM [ARGUMENT]...
#
# SIGTERM goes on to the program: a shell that merely waited would die of it and leave the program behind. Ctrl-C reaches the
# program by itself, and make too, which ends by it: to say 'Error 130' on top would help nobody, so this ends with 0 then.
# In all other cases the exit status is the program's.

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
