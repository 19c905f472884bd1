#include "degenerate.hpp"
#include "faults.hpp"
#include "kill_matrix.hpp"

#include <CLI/CLI.hpp>

#include <fstream>
#include <future>
#include <iostream>
#include <iterator>

/// Runs the suite against every wrong backend and against the correct one, and says whether the suite can
/// tell them apart.
int main(int argc, char** argv) {
    CLI::App app{"Which check catches which fault.", "bsp-kill-matrix"};
    std::vector<std::string> faults;
    std::string write, check;
    bool all_checks = false, degenerate = false;
    app.add_option("--fault", faults, "only these faults, and no other target");
    app.add_flag("--all-checks", all_checks, "run every check against every fault, to see what else fails");
    app.add_flag("--degenerate", degenerate, "run the degenerate targets only");
    app.add_option("--write", write, "write the matrix to this file");
    app.add_option("--check", check, "compare with this matrix: no row of it may be lost, and no check be without a fault");
    CLI11_PARSE(app, argc, argv);

    for (auto const& id : faults)
        if (!bsp::faulty::find_fault(id)) {
            std::cerr << "bsp-kill-matrix: no such fault: " << id << '\n';
            return 3;
        }

    bsp::conformance::kill_matrix matrix{std::cout};
    if (degenerate) return matrix.nothing_is_proven_by_degenerates() ? 0 : 1;
    bool good = true;
    if (faults.empty()) {
        // A client is mostly waited for. What is right is not judged beside what is wrong, of which there is so much that it would be slow.
        auto clients = std::async(std::launch::async, [&] { return matrix.correct_client_is_green(); });
        good = matrix.correct_is_green();
        good = clients.get() && good;
        auto degenerates = std::async(std::launch::async, [&] { return matrix.nothing_is_proven_by_degenerates(); });
        good = matrix.kill({}, all_checks) && good;
        good = degenerates.get() && good;
        good = matrix.every_check_kills() && good;
    } else {
        good = matrix.kill(faults, all_checks);
    }
    if (!write.empty()) std::ofstream{write} << matrix.markdown();
    if (!check.empty() && faults.empty()) {
        std::ifstream in{check};
        good = matrix.keeps_rows_of(std::string{std::istreambuf_iterator<char>{in}, {}}) && good;
    }
    return good ? 0 : 1;
}
