module archive

go 1.21
