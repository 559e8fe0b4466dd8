# Every target of the project links `project_flags`; so the flags stand here and nowhere else.
add_library(project_flags INTERFACE)
target_include_directories(project_flags INTERFACE ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR}/generated)
target_compile_definitions(project_flags INTERFACE _GNU_SOURCE SWITCHBOARD_VERSION="${PROJECT_VERSION}")
target_compile_options(project_flags INTERFACE
    -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wswitch-enum -Werror
    -fno-common -fstack-protector-strong -fno-strict-overflow)

set(SANITIZE "" CACHE STRING "sanitizers for every target, as -fsanitize takes them")
if(SANITIZE)
    add_compile_options(-fsanitize=${SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer -g)
    add_link_options(-fsanitize=${SANITIZE})
endif()
option(COVERAGE "count which lines the tests run" OFF)
if(COVERAGE)
    add_compile_options(--coverage)
    add_link_options(--coverage)
endif()
# Assertions stay in every build: an engine that is wrong must stop, not go on.
foreach(kind RELEASE RELWITHDEBINFO MINSIZEREL)
    string(REPLACE "-DNDEBUG" "" CMAKE_C_FLAGS_${kind} "${CMAKE_C_FLAGS_${kind}}")
endforeach()

# A release is optimized as a whole: a contact passes many small functions of many files. What CMake finds
# unsupported (a compiler without its archiver, say) is built file by file, and does the same; so is all with
# -DCMAKE_INTERPROCEDURAL_OPTIMIZATION=OFF, in a fraction of the time.
if(CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT SANITIZE AND NOT COVERAGE
        AND NOT DEFINED CMAKE_INTERPROCEDURAL_OPTIMIZATION)
    include(CheckIPOSupported)
    check_ipo_supported(RESULT CMAKE_INTERPROCEDURAL_OPTIMIZATION LANGUAGES C)
endif()

# Compiled by profile: deploy/optimize builds programs that count which ways they take, lets them work, and builds them
# again by what they counted. Both builds must be in the same folder, by the same compiler.
set(SWITCHBOARD_PROFILE "" CACHE STRING "count: programs that write a profile; use: programs compiled by that profile")
set_property(CACHE SWITCHBOARD_PROFILE PROPERTY STRINGS "" count use)
if(SWITCHBOARD_PROFILE AND NOT CMAKE_C_COMPILER_ID STREQUAL "GNU")
    message(FATAL_ERROR "SWITCHBOARD_PROFILE needs gcc")
endif()
if(SWITCHBOARD_PROFILE STREQUAL "count")
    add_compile_options(-fprofile-generate=${CMAKE_BINARY_DIR}/profile -fprofile-update=prefer-atomic)
    add_link_options(-fprofile-generate=${CMAKE_BINARY_DIR}/profile)
elseif(SWITCHBOARD_PROFILE STREQUAL "use")
    # What the training never did has no profile, and is compiled as ever.
    add_compile_options(-fprofile-use=${CMAKE_BINARY_DIR}/profile -fprofile-correction -Wno-missing-profile)
    add_link_options(-fprofile-use=${CMAKE_BINARY_DIR}/profile)
elseif(SWITCHBOARD_PROFILE)
    message(FATAL_ERROR "SWITCHBOARD_PROFILE is count or use, not ${SWITCHBOARD_PROFILE}")
endif()
