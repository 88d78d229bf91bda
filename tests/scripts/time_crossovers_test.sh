#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# bench/time_crossovers with a program that stands in for kernels_bench: families, rounds, time limit, failures.
#   time_crossovers_test.sh SOURCE_FOLDER
set -euo pipefail
tool=$1/bench/time_crossovers
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat >"$work/program" <<'STUB'
#!/usr/bin/env bash
out="" filter=""
for word in "$@"; do
  case $word in
    --ceilings) echo "cuda:0 1 2 3"; exit ;;
    --benchmark_list_tests) printf 'crossover/%s\n' a/tuned/cuda:0/3 a/portable/cuda:0/3 b/x/cuda:0/4x5 c/cuda:0/6; exit ;;
    --benchmark_filter=*) filter=${word#*=} ;;
    --benchmark_out=*) out=${word#*=} ;;
  esac
done
[ "$HCI_BENCH_CEILINGS" = "cuda:0 1 2 3" ] || exit 9
[[ $filter == *"^crossover/${SLOW:-none}"* ]] && sleep 60
echo "{\"benchmarks\": [], \"filter\": \"$filter\"}" >"$out"
[[ $filter != *"^crossover/${BAD:-none}"* ]]
STUB
chmod +x "$work/program"

expect() { if [ "$2" != "$3" ]; then echo "$1: $2, not $3" >&2; exit 1; fi; }
names() { (cd "$work/$1" && ls -- *.json | xargs); }

status=0
"$tool" "$work/program" "$work/all" 60 || status=$?
expect "exit code" $status 0
expect "files" "$(names all)" "$(for round in 1 2 3; do for family in a b_x c; do echo "crossovers-$round-crossover_$family.json"; done; done | xargs)"
grep -qF '^crossover/a(/(tuned|portable))?/cuda:0/' "$work/all/crossovers-1-crossover_a.json"

"$tool" "$work/program" "$work/bad" 60  # what is left of a good run must not pass for one
status=0
BAD=b/x "$tool" "$work/program" "$work/bad" 60 2>"$work/said" || status=$?
expect "exit code where a family fails" $status 1
grep -q 'crossover/b/x failed' "$work/said"
expect "files of the failed family" "$(cd "$work/bad" && find . -name '*b_x*' | wc -l)" 0

status=0
SLOW=b/x "$tool" "$work/program" "$work/slow" 8 2>"$work/said" || status=$?
expect "exit code where time runs out" $status 124
expect "what was done before" "$(names slow)" crossovers-1-crossover_a.json
