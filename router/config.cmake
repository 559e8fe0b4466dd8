# The configuration, and the program that writes its manual.
add_subdirectory(${CMAKE_CURRENT_LIST_DIR}/classify)
file(GLOB config_sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/config*.c)
list(FILTER config_sources EXCLUDE REGEX "config_manual_main.c$")
add_library(config STATIC ${config_sources})
target_link_libraries(config PRIVATE project_flags PkgConfig::YAML PkgConfig::UTF8PROC PUBLIC classify proto queue redis)
target_include_directories(config PUBLIC ${CMAKE_SOURCE_DIR})

add_executable(switchboard-manual ${CMAKE_CURRENT_LIST_DIR}/config_manual_main.c)
target_link_libraries(switchboard-manual PRIVATE project_flags config)
