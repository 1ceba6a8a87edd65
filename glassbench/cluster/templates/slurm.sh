#!/bin/bash
# GlassBench on SLURM: one Ray on each node of the job, the command on the first of them.
#
#   export GLASSBENCH_HOME=/scratch/$USER/glassbench        # a folder that all nodes share
#   sbatch --nodes=4 --gpus-per-node=2 slurm.sh run task=ka_propensity model=botan seed=0..4
#
# What follows slurm.sh is a command of glassbench, with its words. The job stops its trials
# three minutes before its time is over and queues itself again; it goes on where it was, and so
# does the same job submitted again. Options of sbatch, as above, go before those of this file.
#SBATCH --job-name=glassbench
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=8
#SBATCH --time=24:00:00
#SBATCH --signal=B:USR1@180
#SBATCH --requeue
#SBATCH --no-kill
#SBATCH --open-mode=append
#SBATCH --output=glassbench-%j.out

set -euo pipefail
# Jobs in the background get process groups of their own, so that they can be interrupted.
set -m

# The virtual environment with glassbench and Ray 2.60.0, if it is not activated already.
if [[ -n ${GLASSBENCH_VENV:-} ]]; then
  # shellcheck source=/dev/null
  source "$GLASSBENCH_VENV/bin/activate"
fi
: "${GLASSBENCH_HOME:?set it to a folder that all nodes share, and export it}"
if [[ $# -eq 0 ]]; then
  echo "slurm.sh: which command? For example: sbatch slurm.sh run task=ka_propensity model=botan" >&2
  exit 2
fi
installed=$(python -c 'import ray; print(ray.__version__)')
if [[ $installed != 2.60.0 ]]; then
  echo "slurm.sh: Ray $installed is installed, this file was made for 2.60.0" >&2
  exit 2
fi

nodes=$SLURM_JOB_NUM_NODES
export GLASSBENCH_HOME HEAD_NAME PORT RAY_FOLDER
HEAD_NAME=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
# Ports and folder of this job alone: another job's Ray may run on the same machine.
PORT=$((20000 + SLURM_JOB_ID % 4000 * 4))
RAY_FOLDER=/tmp/glassbench-ray-$SLURM_JOB_ID
# Nothing runs any more when Ray is ended: it need not wait for that.
export RAY_USAGE_STATS_ENABLED=0 RAY_worker_niceness=0 RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S=0
# Whoever else is on these machines cannot run code on this Ray without the secret.
RAY_AUTH_TOKEN=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')
export RAY_AUTH_MODE=token RAY_AUTH_TOKEN

# What each node runs: Ray, with the cores and GPUs that SLURM gave it there.
# shellcheck disable=SC2016
on_each_node='
  ulimit -n "$(ulimit -Hn)"
  if [[ $SLURM_PROCID -eq 0 ]]; then
    where=(--head --port="$PORT" --ray-client-server-port=$((PORT + 1))
           --dashboard-host=127.0.0.1 --dashboard-port=$((PORT + 2)))
  else
    until (exec 3<>"/dev/tcp/$HEAD_NAME/$PORT") 2>/dev/null; do sleep 1; done
    where=(--address="$HEAD_NAME:$PORT")
  fi
  echo "$SLURMD_NODENAME: $SLURM_CPUS_PER_TASK cores, ${SLURM_GPUS_ON_NODE:-0} GPUs"
  stop() { stopping=yes; kill -TERM "${ray:-}" 2>/dev/null; }
  trap stop TERM
  ray start "${where[@]}" --block --log-style=record --log-color=false --temp-dir="$RAY_FOLDER" \
    --node-name="$SLURMD_NODENAME" \
    --num-cpus="$SLURM_CPUS_PER_TASK" --num-gpus="${SLURM_GPUS_ON_NODE:-0}" >/dev/null &
  ray=$!
  [[ -z ${stopping:-} ]] || stop
  wait "$ray" || true
  wait "$ray" || true
  echo "$SLURMD_NODENAME: Ray has ended"
  rm -rf -- "$RAY_FOLDER"
'
srun --nodes="$nodes" --ntasks="$nodes" --ntasks-per-node=1 \
  --cpus-per-task="${SLURM_CPUS_PER_TASK:-1}" \
  --kill-on-bad-exit=0 --wait=0 --no-kill bash -c "$on_each_node" &
ray_step=$!

stop_ray() {
  trap - EXIT
  # To end `srun` would kill its tasks at once; this lets each node end its Ray and clean up.
  scancel --signal=TERM "$SLURM_JOB_ID.0" || true
  for _ in {1..60}; do
    kill -0 "$ray_step" 2>/dev/null || return 0
    sleep 0.5
  done
  kill -TERM "$ray_step" || true
}
trap stop_ray EXIT

until (exec 3<>"/dev/tcp/$HEAD_NAME/$PORT") 2>/dev/null; do
  kill -0 "$ray_step" || exit 1
  sleep 1
done
# Wait for all nodes, and say what is wrong with them. Without this line a broken node costs
# trials instead of the job.
glassbench doctor cluster="$HEAD_NAME:$PORT" nodes="$nodes" patience=180

glassbench "$@" cluster="$HEAD_NAME:$PORT" &
command=$!
out_of_time=no
trap 'out_of_time=yes; kill -INT "$command"' USR1
trap 'kill -INT "$command"' TERM
while kill -0 "$command" 2>/dev/null; do
  wait "$command" && status=0 || status=$?
done
wait "$command" && status=0 || status=$?

stop_ray
if [[ $out_of_time == yes && $status -ne 0 ]]; then
  echo "slurm.sh: out of time; job $SLURM_JOB_ID queues itself again and goes on from here"
  scontrol requeue "$SLURM_JOB_ID"
fi
exit "$status"
