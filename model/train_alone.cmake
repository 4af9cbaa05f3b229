# mixmatch-train without the rest: needs LibTorch (1.13 or 2.x), abseil, nlohmann-json and CLI11, nothing else.
#   cmake -S model -B build/train [-DMIXMATCH_TORCH=FOLDER] && cmake --build build/train
set(MIXMATCH_TORCH "" CACHE PATH "A folder with LibTorch's include/ and lib/, such as Python's torch; empty: find_package(Torch)")

set(CMAKE_CXX_STANDARD 17)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

find_package(absl REQUIRED)
if(MIXMATCH_TORCH)
  # By name: the package's own configuration asks for CUDA's compiler, which nothing here needs.
  foreach(name c10 torch_cpu c10_cuda torch_cuda)
    find_library(MIXMATCH_${name} ${name} PATHS ${MIXMATCH_TORCH}/lib NO_DEFAULT_PATH)
    if(MIXMATCH_${name})
      add_library(${name} SHARED IMPORTED)
      set_target_properties(${name} PROPERTIES IMPORTED_LOCATION ${MIXMATCH_${name}}
                            INTERFACE_INCLUDE_DIRECTORIES ${MIXMATCH_TORCH}/include)
      list(APPEND torch_libraries ${name})
    endif()
  endforeach()
  if(NOT TARGET torch_cpu OR NOT TARGET c10)
    message(FATAL_ERROR "MIXMATCH_TORCH: ${MIXMATCH_TORCH}/lib has no libtorch_cpu and libc10")
  endif()
else()
  find_package(Torch REQUIRED)
  set(torch_libraries ${TORCH_LIBRARIES})
  string(APPEND CMAKE_CXX_FLAGS " ${TORCH_CXX_FLAGS}")
endif()

# As in the whole build, but for the flags: warnings are no errors with whatever compiler and LibTorch a machine has.
function(mixmatch_library name)
  cmake_parse_arguments(arg "" "" "SRCS;HDRS;DEPS" ${ARGN})
  add_library(${name} STATIC ${arg_SRCS} ${arg_HDRS})
  target_link_libraries(${name} PUBLIC ${arg_DEPS})
  target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR}/..)
  target_compile_options(${name} PRIVATE -fno-math-errno)
endfunction()

function(mixmatch_binary name)
  cmake_parse_arguments(arg "" "" "SRCS;DEPS" ${ARGN})
  add_executable(${name} ${arg_SRCS})
  # Whole: nobody calls into LibTorch's CUDA half by name.
  target_link_libraries(${name} PRIVATE ${arg_DEPS} -Wl,--no-as-needed ${torch_libraries} -Wl,--as-needed)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
endfunction()

# Of these rooms what the program links, no more.
foreach(room cells tensors modality trunk)
  add_subdirectory(${room} EXCLUDE_FROM_ALL)
endforeach()
add_subdirectory(learn)
