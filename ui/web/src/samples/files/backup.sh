#!/usr/bin/env bash
# Keeps dated copies of a directory and removes the oldest.
set -euo pipefail

source_dir="${1:?which directory?}"
target_dir="${2:-$HOME/backups}"
keep=7

log() {
  printf '%s  %s\n' "$(date +%H:%M:%S)" "$*"
}

create_backup() {
  local name
  name="$(basename "$source_dir")-$(date +%Y-%m-%d).tar.gz"
  ⟨cursor⟩
}

remove_old() {
  ls -1t "$target_dir"/*.tar.gz | tail -n +$((keep + 1)) | xargs -r rm --
}

mkdir -p "$target_dir"
create_backup
remove_old
