# weft_layer(NAME [DEPENDS layer...] [LIBRARIES target...]): the layer of the current directory.
#
# Makes the static library weft_NAME out of every source in the directory. A glob, because the
# rule of the house is that a file in a layer's directory is in the layer: a list would only repeat
# the directory, and a file forgotten in it would be code that nobody builds. Twins are chosen by
# the end of their names:
#   X_x86_64.c X_x86_64.S X_aarch64.c ...   those of this CPU
#   X_ucontext.c                            instead of all X_<CPU>.*, with WEFT_UCONTEXT
#   X_none.c                                instead of X_glibc.c, without WEFT_OWN_TLS
#
# Tests link weft_NAME and get the layers below it, and only those; libweft is made of the objects
# of all layers (global property WEFT_LAYERS).

set(weft_cpus x86_64 aarch64)

function(weft_layer_sources out)
    file(GLOB sources CONFIGURE_DEPENDS *.c *.S)
    foreach(cpu ${weft_cpus})
        if(NOT cpu STREQUAL WEFT_ARCH)
            list(FILTER sources EXCLUDE REGEX "_${cpu}[.][cS]$")
        endif()
    endforeach()
    file(GLOB portable_twins *_ucontext.c)
    foreach(twin ${portable_twins})
        if(WEFT_UCONTEXT)
            string(REGEX REPLACE "_ucontext[.]c$" "" stem ${twin})
            list(FILTER sources EXCLUDE REGEX "^${stem}_${WEFT_ARCH}[.][cS]$")
        else()
            list(REMOVE_ITEM sources ${twin})
        endif()
    endforeach()
    if(WEFT_OWN_TLS)
        list(FILTER sources EXCLUDE REGEX "_none[.]c$")
    else()
        list(FILTER sources EXCLUDE REGEX "_glibc[.]c$")
    endif()
    set(${out} ${sources} PARENT_SCOPE)
endfunction()

function(weft_layer name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "DEPENDS;LIBRARIES")
    list(TRANSFORM arg_DEPENDS PREPEND weft_)
    weft_layer_sources(sources)
    if(sources)
        add_library(weft_${name} STATIC ${sources})
        weft_compile(weft_${name})
        target_link_libraries(weft_${name} PUBLIC ${arg_DEPENDS} ${arg_LIBRARIES})
        set_property(GLOBAL APPEND PROPERTY WEFT_LAYERS weft_${name})
    else() # a layer whose first file has not been written
        add_library(weft_${name} INTERFACE)
        target_link_libraries(weft_${name} INTERFACE ${arg_DEPENDS} ${arg_LIBRARIES})
    endif()
endfunction()
