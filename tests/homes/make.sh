#!/bin/sh
# Make a frozen home: sh make.sh DIRECTORY, in an empty working directory, with the zoo to be frozen on PATH.
# It holds two texts, a ready model with snapshots and an evaluation, an interrupted training, and a model in the trash.
set -eu
home=$1
zoo="zoo --home $home"
tiny="--set n_layer=1 --set n_head=2 --set n_embd=8 --set block_size=8 --set batch_size=4 --set eval_every=20
      --set warmup_steps=2 --set stored_dtype=float32 --dtype float32 --device cpu"

# The texts are made up, so that nobody else has a right in them.
awk 'BEGIN { split("moon tune boat coat star far sea free", w, " ")
  for (i = 1; i <= 120; i++) print "the " w[i * 3 % 8 + 1] " and the " w[i * 5 % 7 + 1] ", " i % 10 }' > verse.txt
awk 'BEGIN { split("ant bee cat dog elk fox", w, " ")
  for (i = 1; i <= 120; i++) print "A " w[i * 5 % 6 + 1] " met a " w[i * 7 % 5 + 1] "." }' > prose.txt

export OMP_NUM_THREADS=1
$zoo fetch verse --from verse.txt --public
$zoo fetch prose --from prose.txt
$zoo train -d verse -p nano -n verse --keep log --seed 7 $tiny --set max_steps=40
$zoo train -d prose -p m2 -n gone --seed 7 $tiny --set max_steps=20
$zoo rm gone
$zoo eval verse --on prose.txt

# Stop a long training once it has saved a checkpoint.
$zoo train -d prose -p m2 -n prose --seed 7 $tiny --set max_steps=2000 &
pid=$!
until ls "$home"/models/prose/checkpoints/* >/dev/null 2>&1; do sleep 0.05; done
kill -TERM $pid  # a shell makes a background command deaf to SIGINT
wait $pid || true
rm -f "$home"/models/*/timing.jsonl
