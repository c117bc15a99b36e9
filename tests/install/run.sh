#!/usr/bin/env bash
# usage: run.sh PREFIX SCRATCH: a user finds the weft installed in PREFIX, by CMake and by
# pkg-config, links the shared and the static library, and runs with them.
set -uo pipefail

prefix=$1
scratch=$2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export CMAKE_GENERATOR=${CMAKE_GENERATOR:-Ninja}
passed=0 failed=0

check() {
    local title=$1
    shift
    if "$@"; then
        echo "ok: $title"
        passed=$((passed + 1))
    else
        echo "FAILED: $title"
        failed=$((failed + 1))
    fi
}

pc_dir=$(dirname "$(find "$prefix" -name weft.pc)")
lib_dir=$(dirname "$(find "$prefix" -name libweft.a)")

compile_by_pkg_config() {
    local flags
    flags=$(PKG_CONFIG_PATH=$pc_dir pkg-config --cflags --libs "${@:2}" weft) || return
    # shellcheck disable=SC2086  # the flags are words
    gcc -std=c11 -Wall -Wextra -Werror "$here/user.c" -o "$1" $flags
}

soname_is() { readelf -d "$lib_dir/libweft.so" | grep -qF "soname: [$1]"; }

rm -rf "$scratch"
mkdir -p "$scratch"
check "CMake configures" cmake -S "$here" -B "$scratch/cmake" -DCMAKE_PREFIX_PATH="$prefix"
check "CMake builds" cmake --build "$scratch/cmake"
check "CMake, shared: runs" "$scratch/cmake/user_shared"
check "CMake, static: runs" "$scratch/cmake/user_static"
check "pkg-config: compiles" compile_by_pkg_config "$scratch/user"
check "pkg-config: runs" env LD_LIBRARY_PATH="$lib_dir" "$scratch/user"
check "the shared library carries its ABI number" soname_is libweft.so.0

echo "$passed passed, $failed failed, 0 skipped"
((failed == 0))
