#!/bin/sh
# make demo: the main job on real text, about three minutes on two CPU cores. Everything lands in .demo/.
set -eu
STEPS=${STEPS:-400}
export ZOO_HOME="$PWD/.demo"

step() { printf '\n$ %s\n' "$*"; "$@"; }

for text in shakespeare plays pydoc; do
    if step zoo fetch "$text"; then break; fi
    echo "-- no '$text' here, which is fine: the next text is tried"
    text=
done
[ -n "$text" ] || { echo "no text could be fetched"; exit 1; }
echo "-- the demo trains on '$text'"

# two models that differ in one hyperparameter
for width in 64 96; do
    name="$text-width-$width"
    zoo show "$name" >/dev/null 2>&1 && zoo rm "$name"
    step zoo train --dataset "$text" --name "$name" --set "n_embd=$width" --set n_head=4 --set "max_steps=$STEPS"
done
step zoo list
step zoo compare
step zoo compare "$text-width-64" "$text-width-96"
step zoo generate "$text-width-96" --max-new 200 --seed 1
echo
echo "-- and the Shakespeare starter, which came with zoo:"
step zoo generate shakespeare-m2 "ROMEO:" --max-new 200 --seed 1 --echo
echo
echo "-- next: . .venv/bin/activate, then zoo chat, or with a model of the demo: zoo --home .demo chat $text-width-96"
