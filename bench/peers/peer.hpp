// What the C++ peers of the benches share: a file of columns of doubles, and a loop that answers each line
// "<measurement> <milliseconds>" with "<nanoseconds per unit> <checksum>", so that a bench can alternate with them.
#pragma once
#include <cstdio>
#include <functional>
#include <iostream>
#include <map>
#include <string>
#include <time.h>
#include <vector>

using Column = std::vector<double>;

// `count` columns of equal length, one behind the other.
inline std::vector<Column> readColumns(const char* path, std::size_t count) {
    std::FILE* file = std::fopen(path, "rb");
    if (file == nullptr) throw std::runtime_error(std::string("no file of columns: ") + path);
    std::vector<double> all;
    double buffer[4096];
    for (std::size_t got; (got = std::fread(buffer, sizeof(double), 4096, file)) > 0;)
        all.insert(all.end(), buffer, buffer + got);
    std::fclose(file);
    const std::size_t rows = all.size() / count;
    std::vector<Column> columns;
    for (std::size_t index = 0; index < count; index++)
        columns.emplace_back(all.begin() + index * rows, all.begin() + (index + 1) * rows);
    return columns;
}

// A measurement does all its units once and returns a checksum.
struct Measurement {
    std::size_t units;
    std::function<double()> run;
};

// Time of this thread alone: what other programs of a shared machine do is not in it.
inline double processorNanoseconds() {
    timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return 1e9 * double(now.tv_sec) + double(now.tv_nsec);
}

inline void answer(const std::map<std::string, Measurement>& measurements) {
    std::string name;
    double milliseconds;
    std::cout.precision(17);
    std::cout << "ready" << std::endl;
    while (std::cin >> name >> milliseconds) {
        const Measurement& measurement = measurements.at(name);
        const double start = processorNanoseconds();
        double elapsed = 0, checksum = 0;
        std::size_t passes = 0;
        do {
            checksum = measurement.run();
            passes++;
            elapsed = processorNanoseconds() - start;
        } while (elapsed < milliseconds * 1e6);
        std::cout << elapsed / (double(passes) * double(measurement.units)) << ' ' << checksum << std::endl;
    }
}
