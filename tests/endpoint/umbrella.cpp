#include <bsp/bsp.hpp>

#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

// <bsp/bsp.hpp> includes every header of the layers it stands for.
BOOST_AUTO_TEST_CASE(the_umbrella_covers_every_header) {
    auto const root = std::filesystem::path{BSP_VECTORS_DIR} / ".." / ".." / "include";
    std::ifstream in{root / "bsp" / "bsp.hpp"};
    std::string const umbrella{std::istreambuf_iterator<char>{in}, {}};
    for (char const* layer : {"base", "json", "crypto", "merge", "wire", "policy", "observe", "sbt", "auth", "endpoint", "sync"})
        for (auto const& entry : std::filesystem::recursive_directory_iterator{root / "bsp" / layer}) {
            if (entry.path().extension() != ".hpp") continue;
            std::string const line = "#include <" + std::filesystem::relative(entry.path(), root).generic_string() + '>';
            BOOST_TEST(umbrella.find(line) != std::string::npos, line);
        }
}
