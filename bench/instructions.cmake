# What the guard of instruction counts runs (bench/instructions): the benchmarks of engine and codec, compiled by the
# distribution's gcc with flags that are the same in every build, so that counts differ only when the code does. Builds
# that instrument the code have no such program.
if(NOT CMAKE_C_COMPILER_ID STREQUAL "GNU" OR SANITIZE OR COVERAGE)
    return()
endif()
set(sources instructions_main.c command.c frames.c micro_center.c micro_codec.c micro_engine.c micro_frames.c micro_meter.c)
list(TRANSFORM sources PREPEND ${CMAKE_SOURCE_DIR}/bench/)
foreach(room queue proto)
    get_target_property(own ${room} SOURCES)
    get_target_property(folder ${room} SOURCE_DIR)
    foreach(source ${own})
        cmake_path(ABSOLUTE_PATH source BASE_DIRECTORY ${folder})
        list(APPEND sources ${source})
    endforeach()
endforeach()
foreach(source delivery.c view.c view_offer.c view_terms.c)
    list(APPEND sources ${CMAKE_SOURCE_DIR}/router/${source})
endforeach()

add_executable(switchboard-instructions ${sources})
if(NOT SWITCHBOARD_TESTS)
    set_target_properties(switchboard-instructions PROPERTIES EXCLUDE_FROM_ALL TRUE)
endif()
set_target_properties(switchboard-instructions PROPERTIES INTERPROCEDURAL_OPTIMIZATION OFF)
target_compile_options(switchboard-instructions PRIVATE -O3 -g)
# File by file: what is inlined across files would be counted now here, now there.
set_target_properties(switchboard-instructions PROPERTIES INTERPROCEDURAL_OPTIMIZATION FALSE)
target_link_libraries(switchboard-instructions PRIVATE project_flags PkgConfig::JANSSON PkgConfig::MSGPACK)
