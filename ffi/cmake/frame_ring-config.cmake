# find_package(frame_ring), then target_link_libraries(mine PRIVATE frame_ring::frame_ring).
# Lies in PREFIX/share/frame_ring; the library is found through its pkg-config file, so that it may be moved.
include(CMakeFindDependencyMacro)
find_dependency(PkgConfig)
get_filename_component(_frame_ring_prefix "${CMAKE_CURRENT_LIST_DIR}/../.." ABSOLUTE)
set(_frame_ring_saved "$ENV{PKG_CONFIG_PATH}")
file(GLOB _frame_ring_pc "${_frame_ring_prefix}/lib/pkgconfig" "${_frame_ring_prefix}/lib/*/pkgconfig" "${_frame_ring_prefix}/lib64/pkgconfig")
string(REPLACE ";" ":" _frame_ring_pc "${_frame_ring_pc}")
set(ENV{PKG_CONFIG_PATH} "${_frame_ring_pc}:${_frame_ring_saved}")
pkg_check_modules(frame_ring QUIET IMPORTED_TARGET GLOBAL frame_ring)
set(ENV{PKG_CONFIG_PATH} "${_frame_ring_saved}")
if(frame_ring_FOUND AND NOT TARGET frame_ring::frame_ring)
  add_library(frame_ring::frame_ring ALIAS PkgConfig::frame_ring)
endif()
