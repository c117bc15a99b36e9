# How every file of weft is compiled: the interface target weft_flags, and the CPU's name.

if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|amd64|AMD64)$")
    set(WEFT_ARCH x86_64)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
    set(WEFT_ARCH aarch64)
else()
    set(WEFT_ARCH none) # no switch in assembly for this one
    set(WEFT_UCONTEXT ON)
endif()

# Fibers with TLS of their own need a switch that sets the thread pointer, and ThreadSanitizer
# keeps its own state in TLS.
set(WEFT_OWN_TLS ON)
if(WEFT_UCONTEXT OR WEFT_SANITIZE MATCHES "thread")
    set(WEFT_OWN_TLS OFF)
endif()

find_package(Threads REQUIRED)

add_library(weft_flags INTERFACE)
target_link_libraries(weft_flags INTERFACE Threads::Threads)
target_include_directories(weft_flags INTERFACE
    ${PROJECT_SOURCE_DIR}/core ${PROJECT_SOURCE_DIR}/abi/include)
target_compile_definitions(weft_flags INTERFACE
    _GNU_SOURCE
    $<$<BOOL:${WEFT_HARD}>:WEFT_HARD=1>
    $<$<BOOL:${WEFT_UCONTEXT}>:WEFT_UCONTEXT=1>)
target_compile_options(weft_flags INTERFACE
    -fvisibility=hidden
    # libweft's own thread-locals are read in every hook: one instruction, never __tls_get_addr,
    # which may allocate.
    -ftls-model=initial-exec
    $<$<COMPILE_LANGUAGE:C>:-Wall -Wextra -Wpedantic -Wconversion>
    $<$<BOOL:${WEFT_WERROR}>:-Werror>)

if(WEFT_SANITIZE)
    target_compile_options(weft_flags INTERFACE
        -fsanitize=${WEFT_SANITIZE} -fno-sanitize-recover=all)
    target_link_options(weft_flags INTERFACE -fsanitize=${WEFT_SANITIZE})
endif()

# Compile one target of weft as C11, position independent (all of it ends in libweft.so).
function(weft_compile target)
    set_target_properties(${target} PROPERTIES
        C_STANDARD 11 C_STANDARD_REQUIRED ON C_EXTENSIONS OFF POSITION_INDEPENDENT_CODE ON)
    target_link_libraries(${target} PRIVATE weft_flags)
endfunction()
